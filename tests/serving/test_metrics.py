import pytest

from darts_tf.serving.metrics import Metrics
from tests.serving.good_requests import V1, V2, valid_body


def values(text):
    """Names with labels to numbers."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def read(client):
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return values(response.text)


def count(found, protocol, verb, status):
    labels = f'protocol="{protocol}",status="{status}",verb="{verb}"'
    return found.get(f"darts_requests_total{{{labels}}}", 0)


def test_requests_by_protocol_verb_and_status(client):
    before = read(client)
    for path, body in ((V1, valid_body()), (V1, b"{}"), (V1, b"{}"), (V2, b"x")):
        client.post(path, content=body)
    client.get("/v2/health/live")
    client.get("/v1/models/other")
    after = read(client)
    for labels, number in {
        ("tf_serving_rest", "predict", 200): 1,
        ("tf_serving_rest", "predict", 400): 2,
        ("open_inference_rest", "infer", 400): 1,
        ("open_inference_rest", "server_live", 200): 1,
        ("tf_serving_rest", "status", 404): 1,
        ("metrics", "read", 200): 1,
    }.items():
        assert count(after, *labels) - count(before, *labels) == number, labels
    latency = 'darts_request_seconds_count{protocol="tf_serving_rest",verb="predict"}'
    assert after[latency] - before.get(latency, 0) == 3
    assert after["darts_batch_size_count"] - before["darts_batch_size_count"] == 1
    assert after['darts_model_version{model="tiny"}'] == 1
    # The reading itself.
    assert after["darts_requests_in_flight"] == 1


def test_in_flight_and_failures():
    metrics = Metrics()
    with metrics.request("p", "v"), metrics.request("p", "v") as note:
        assert values(metrics.text().decode())["darts_requests_in_flight"] == 2
        note(200)
    with pytest.raises(ValueError), metrics.request("p", "v"):
        raise ValueError
    found = values(metrics.text().decode())
    assert found["darts_requests_in_flight"] == 0
    assert count(found, "p", "v", 200) == 1
    assert count(found, "p", "v", "cancelled") == 2


def test_clients_cannot_add_labels(client):
    before = len(read(client))
    for name in ("a", "b", "c"):
        client.post(f"/v1/models/{name}:predict", content=b"{}")
        client.post(f"/v1/models/tiny:{name}", content=b"{}")
        client.get(f"/{name}")
    assert len(read(client)) - before < 40
    again = len(read(client))
    client.post("/v1/models/d:predict", content=b"{}")
    assert len(read(client)) == again
