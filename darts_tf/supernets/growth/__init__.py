"""How a supernet grows: closed forms on arrays, and the changes that are made of them."""
