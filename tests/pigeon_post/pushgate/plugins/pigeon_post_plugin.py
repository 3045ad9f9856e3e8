"""Declares the sink that the package pigeon_post brings."""

from pushgate.plugin import LazySink

pigeon_post = LazySink("pigeon-post", "a line for each run of outcomes", "pigeon_post.sink:plug_in")
