from darts_tf import methods, search_checks


def test_what_needs_less_memory():
    advice = search_checks.less_memory(methods.get("darts-v2-exact"))
    assert advice.endswith("--cells, or --hypergradient=first_order instead of unrolled")
    advice = search_checks.less_memory(methods.get("darts-v1"))
    assert advice.endswith("fewer --cells, or more --accumulate_steps")
