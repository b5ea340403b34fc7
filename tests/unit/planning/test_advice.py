from __future__ import annotations

from typing import Dict

import pytest

from scripts.planning.advice import Advice, Option, advise, bar, knee, lines, shows_blocks
from scripts.planning.estimates import Estimates, SetUp

FOUR: Dict[str, int] = {f"{file}.py::x": 60_000 for file in "abcd"}


def test_two_nodes_take_half_the_time() -> None:
    options = advise(FOUR, Estimates(FOUR), most=2).options

    assert [Option(1, 240.0, 240.0, 0.0), Option(2, 120.0, 240.0, 120.0)] == options


def test_every_node_pays_its_fixed_costs() -> None:
    options = advise(FOUR, Estimates(FOUR), fixed_s=30, most=2).options

    assert [Option(1, 270.0, 270.0, 0.0), Option(2, 150.0, 300.0, 120.0)] == options


def test_every_node_pays_the_set_ups_it_needs() -> None:
    options = advise(FOUR, Estimates(FOUR), SetUp(session_ms=10_000, file_ms=1000), most=2).options

    assert [254.0, 132.0] == [option.wall_s for option in options]


def test_without_fixed_costs_every_node_pays_until_nothing_divides() -> None:
    assert 4 == advise(FOUR, Estimates(FOUR)).knee


def test_the_knee_is_where_the_work_of_a_node_takes_as_long_as_its_fixed_costs() -> None:
    options = [Option(nodes, 60 + 600 / nodes, 60 * nodes + 600, 0.0) for nodes in range(1, 20)]

    assert 10 == knee(options)


def test_of_equal_knees_the_fewest_nodes_are_taken() -> None:
    assert 1 == knee([Option(1, 2.0, 2.0, 0.0), Option(4, 1.0, 4.0, 1.0)])


def test_twice_as_many_nodes_are_looked_at_as_the_longest_test_leaves_useful() -> None:
    assert 8 == len(advise(FOUR, Estimates(FOUR)).options)


def test_the_longest_test_is_the_limit() -> None:
    found = advise([*FOUR, "e.py::long"], Estimates({**FOUR, "e.py::long": 100_000}), fixed_s=5)

    assert ("e.py::long", 105.0) == (found.limit, found.limit_s)


def test_a_file_is_the_limit_where_its_set_up_takes_longer() -> None:
    found = advise(FOUR, Estimates(FOUR), SetUp(scopes_ms={"b.py": 90_000}))

    assert ("the set-up of b.py", 150.0) == (found.limit, found.limit_s)


def test_a_suite_without_tests_has_no_limit() -> None:
    found = advise([], Estimates(), fixed_s=5)

    assert (1, "", 5.0) == (found.knee, found.limit, found.limit_s)
    assert "There is no test." == lines(found)[-1]


def test_the_chart_is_aligned() -> None:
    assert [
        "nodes   wall time  node-minutes       saves",
        "-----  ----------  ------------  ----------  ----------------------------------------",
        "    1  4 min 00 s           4.0       0.0 s  ████████████████████████████████████████",
        "    2  2 min 00 s           4.0  2 min 00 s  ████████████████████  <- take",
    ] == lines(advise(FOUR, Estimates(FOUR), most=2))[:4]


def test_the_chart_can_do_without_block_characters() -> None:
    text = "\n".join(lines(advise(FOUR, Estimates(FOUR)), blocks=False))

    assert text.isascii()
    assert f"{'#' * 10}  <- take\n" in text


def test_the_advice_is_said_in_sentences() -> None:
    assert [
        "Take 4: with more nodes, speed costs more than it gives.",
        "A node takes at least 1 min 00 s for a.py::x. More than 4 make nothing faster.",
    ] == lines(advise(FOUR, Estimates(FOUR)))[-2:]


def test_where_all_nodes_pay_more_might() -> None:
    assert [
        "All 2 pay, and more might.",
        "A node takes at least 1 min 00 s for a.py::x. No number of nodes gets below that.",
    ] == lines(advise(FOUR, Estimates(FOUR), most=2))[-2:]


def test_node_ids_are_readable() -> None:
    assert "a.py::x[你]" == advise(["a.py::x[\\u4f60]"], Estimates()).limit


def test_even_the_shortest_bar_is_seen() -> None:
    assert ("▏", "#") == (bar(0.0, True), bar(0.0, False))


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", True), ("cp1252", False), ("nonsense", False), (None, False)]
)
def test_blocks_are_shown_where_the_encoding_has_them(encoding: str, shown: bool) -> None:
    assert shown == shows_blocks(encoding)


def test_an_advice_of_no_time_at_all_is_charted() -> None:
    assert 5 == len(lines(Advice([Option(1, 0.0, 0.0, 0.0)], 1, "", 0.0)))
