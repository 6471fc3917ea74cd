"""A small HTTP server for an exported network.

It answers TensorFlow Serving's REST API, the Open Inference Protocol (version 2) and one web page.
Nothing here needs Keras. FastAPI and uvicorn come with `requirements-serve.txt`.
"""
