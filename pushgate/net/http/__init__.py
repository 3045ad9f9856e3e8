"""HTTP as the inputs and the simulator serve it."""
