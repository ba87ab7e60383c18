"""How a request comes in and its answer goes out: all routes, socket, transport."""
