"""The relaxed network, its architecture, and the functional problem that a search solves."""
