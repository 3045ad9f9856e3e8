"""Push services other than Apple's, each in one file: a request in, an answer out. They share one port."""
