"""Declares the sink of the package pigeon_post."""

from pushgate.plugin import LazySink

pigeon_post = LazySink("pigeon-post", "a line for each run of outcomes", "pigeon_post.sink:plug_in")
