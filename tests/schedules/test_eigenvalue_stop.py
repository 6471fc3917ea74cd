import numpy as np

from darts_tf import genotypes, spaces
from darts_tf.schedules import AdaptiveDecay, EigenvalueStop
from darts_tf.schedules.eigenvalue_stop import has_grown
from darts_tf.schedules.rules import Observation
from darts_tf.schedules.transitions import GoBack, Stop

SPACE = spaces.get("darts_cnn")
RULE = EigenvalueStop()


def observe(epoch, eigenvalue, weight_decay=0.0):
    nothing = {name: np.zeros((14, 8)) for name in SPACE.cell_types}
    decided = {name: np.zeros(14, bool) for name in SPACE.cell_types}
    genotype = genotypes.sample(SPACE, epoch)
    return Observation(epoch, genotype, nothing, decided, eigenvalue, weight_decay)


def run(series, rule=RULE, epochs=50):
    """Follows the rule, which measures in every second epoch; the epoch it ends in, and how."""
    seen = []
    for epoch in range(epochs):
        measured = epoch % 2 == 1
        seen = [*seen, observe(epoch, series(epoch) if measured else None)][-rule.memory :]
        # What a resumed search would see.
        again = [Observation.from_dict(o.to_dict()) for o in seen]
        if ordered := rule(again, epochs, SPACE):
            (stop,) = ordered
            return epoch, stop
    return None, None


def test_stop_and_return_at_the_right_epochs():
    """0.2 until epoch 20, then twice as much in every measurement (the epochs 21, 23, ...)."""
    epoch, stop = run(lambda epoch: 0.2 * 2.0 ** max(0, (epoch - 19) // 2))
    # Epoch 21: mean (4 * 0.2 + 0.4) / 5 = 1.2 times; 23: (3 * 0.2 + 0.4 + 0.8) / 5 = 1.8 times.
    assert epoch == 23
    assert isinstance(stop, Stop) and stop.result.epoch == 23 - 4 * 2
    assert stop.result.genotype == genotypes.sample(SPACE, 15)
    assert "back to the cells of epoch 16" in stop.reason


def test_a_flat_series_never_stops():
    assert run(lambda epoch: 0.2) == (None, None)
    assert run(lambda epoch: 0.2 + 0.002 * epoch) == (None, None)


def test_no_stop_in_the_beginning():
    epoch, stop = run(lambda epoch: 0.2 * 2.0 ** (epoch / 2))
    # In epoch 9 there are five measurements, and the last average is large enough.
    assert (epoch, stop.result.epoch) == (11, 3)
    early = EigenvalueStop(first_epoch=0)
    assert run(lambda epoch: 0.2 * 2.0 ** (epoch / 2), early)[0] == 9


def test_growth_needs_values_to_compare_with():
    assert not has_grown([1, 2, 4, 8])
    assert has_grown([1, 2, 4, 8, 16])  # (1 + 2 + 4 + 8 + 16) / 5 against 1.
    assert not has_grown([1.0] * 30) and not has_grown([-1.0] * 5 + [3.0] * 5)
    assert not has_grown([1, 1, 1, 1, 1, 1, 1, 1, 1.3 * 5 - 4])
    assert has_grown([1, 1, 1, 1, 1, 1, 1, 1, 1.31 * 5 - 4])


def test_adaptive_decay_goes_back_until_there_is_no_more_decay():
    seen = [observe(e, 0.2 * 2.0 ** max(0, (e - 19) // 2) if e % 2 else None) for e in range(24)]
    for decay, goes_back in ((3e-4, True), (3e-3, True), (0.03, False)):
        (order,) = AdaptiveDecay()([*seen[:-1], seen[-1]._replace(weight_decay=decay)], 50, SPACE)
        if goes_back:
            assert isinstance(order, GoBack)
            assert order.to.epoch == 15 and order.weight_decay_factor == 10
        else:
            assert isinstance(order, Stop) and order.result.epoch == 15
    assert AdaptiveDecay()(seen[:22], 50, SPACE) == ()
