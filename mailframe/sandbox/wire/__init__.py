"""How a request comes in and its answer goes out: socket, transport, faults."""
