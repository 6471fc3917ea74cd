import pytest

from scripts import load_clients, load_server
from tests.serving import tiny_network


@pytest.mark.slow
def test_all_kinds_of_clients_at_once_get_the_keras_models_answers(network, export_directory):
    images = load_server.random_images((8, 8, 1), 64)
    expected = tiny_network.expected_probabilities(network, images)
    known = load_clients.Known("loaded", images, expected, list(tiny_network.CLASS_NAMES))
    # That one kind imports TensorFlow, and is tested by itself.
    kinds = tuple(kind for kind in load_clients.KINDS if kind != "predict_grpc")
    report = load_server.load(export_directory, known, seconds=3, largest_mb=2, kinds=kinds)
    assert report.wrong == []
    assert not any(" 5" in name for name in report.counts)
    assert {name.split()[0] for name in report.counts} == set(kinds)
    assert (report.code, report.log) == (0, "")
    assert report.stop_seconds < 5
