"""Requests that are damaged at random never fail the server."""

import json
import random

from tests.serving import tiny_network
from tests.serving.good_requests import IMAGE, PNG, V1, V2, encoded, v2, valid_body


def test_random_damage_never_fails_the_server(client):
    """Damages valid requests in random places: in their values and in their bytes."""
    generator = random.Random(5)
    valid = {V1: [json.loads(valid_body()), encoded(PNG)], V2: [v2()]}
    seen = set()
    for _ in range(400):
        path = generator.choice([V1, V2])
        body = json.loads(json.dumps(generator.choice(valid[path])))
        for _ in range(generator.randint(1, 3)):
            body = damage_value(body, generator)
        content = json.dumps(body).encode()
        if generator.random() < 0.3:
            content = damage_bytes(content, generator)
        response = client.post(path, content=content)
        seen.add(response.status_code)
        assert response.status_code in (200, 400, 413), (content[:500], response.text)
        if response.status_code != 200:
            assert set(response.json()) == {"error"}
            assert len(response.json()["error"]) > 10
    assert seen >= {200, 400}
    assert client.post(V1, content=valid_body()).status_code == 200


def test_random_damage_inside_image_files_never_fails_the_server(client):
    generator = random.Random(6)
    files = [PNG, tiny_network.encode(IMAGE, "JPEG")]
    for _ in range(200):
        file = damage_bytes(generator.choice(files), generator)
        response = client.post(V1, content=json.dumps(encoded(file)))
        assert response.status_code in (200, 400, 413), (file, response.text)


def damage_value(value, generator):
    """Replaces a random part of a JSON value, deeper parts more often."""
    if isinstance(value, list) and value and generator.random() < 0.85:
        index = generator.randrange(len(value))
        return [*value[:index], damage_value(value[index], generator), *value[index + 1 :]]
    if isinstance(value, dict) and value and generator.random() < 0.85:
        key = generator.choice(sorted(value))
        changed = {**value, key: damage_value(value[key], generator)}
        if generator.random() < 0.2:
            changed[f"{key}\ud800"] = changed.pop(key)
        return changed
    strangers = [None, True, -1, 0, 7, 256, 10**30, 0.5, float("nan"), float("-inf"), "", "images"]
    return generator.choice([*strangers, "\ud800", "AAAA", [], {}, [[]], {"b64": "AA=="}, [1] * 64])


def damage_bytes(content, generator):
    content = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        start = generator.randrange(len(content))
        end = start + generator.choice([1, 1, 1, 10, 200])
        content[start:end] = generator.randbytes(generator.choice([0, 1, end - start]))
        if not content:
            return b"x"
    return bytes(content)
