"""The page says which problems a release fixes, by their titles and nothing else of them."""

from __future__ import annotations

from tenure_server.use_cases.problems import NewProblem
from tests.server.portal.counter import Counter
from tests.server.world import CAD, TODAY, WHO


def test_a_release_names_what_it_fixes_by_the_title_that_customers_may_read(own_counter: Counter) -> None:
    world = own_counter.world
    new = NewProblem("Walls <vanish> on saving", "Ada at Anker Werft has it", CAD)
    problem = world.installation.report_problem(new, None, who=WHO)
    world.publish("2.9.1", TODAY, fixes=(problem.number,))
    page = own_counter.signed_in(own_counter.ada).get("/portal").text
    assert "<li>P-1: Walls &lt;vanish&gt; on saving</li>" in page
    assert "Problems it fixes" in page
    assert "Anker" not in page
