"""The page says what a reviewer needs, in an order to read it in, stands alone, and doesn't let a name break it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from helpers.henan_year import henan_year
from helpers.report_page import page as whole_page
from helpers.report_page import review
from models.evaluation import Retrain, TestVisits
from models.evaluation.metrics import Interval
from models.reporting.page import Differences
from models.reporting.report import SECTIONS, Page, render, verdict
from models.reporting.sections.verdict import in_chinese, in_english

VOID = {"meta", "img", "br"}


class Outline(HTMLParser):
    """Ids, links to them, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [v for k, v in attrs if k == "id" and v]
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    ("metric", "low", "high", "said"),
    [
        ("auc", 0.01, 0.05, "ahead"),
        ("auc", -0.01, 0.05, "within noise"),
        ("auc", -0.05, -0.01, "behind"),
        ("log_loss", -0.05, -0.01, "ahead"),
        ("calibration_error", 0.01, 0.05, "behind"),
        ("auc", float("nan"), float("nan"), "no interval: cannot tell"),
    ],
)
def test_only_an_interval_without_zero_decides(metric: str, low: float, high: float, said: str) -> None:
    assert verdict(metric, Interval(0.0, low, high)) == said


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return whole_page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def text(page: Page) -> str:
    return render(page)


def unbroken(text: str) -> str:
    """The text with the no-break spaces of intervals as plain ones."""
    return text.replace(",&nbsp;", ", ")


def section(text: str, anchor: str) -> str:
    """The HTML of one section."""
    return unbroken(text).split(f'<section aria-labelledby="{anchor}">')[1].split("</section>")[0]


def test_the_page_needs_no_other_file_and_no_network(text: str) -> None:
    assert not re.search(r'src="(?!data:)|href="(?!#)|url\(|@import', text)
    assert not re.search("https?:", text)  # "http" alone may stand in a picture's base64
    assert 'src="data:image/png;base64,' in text


def test_every_element_is_closed_and_every_link_leads_somewhere(text: str) -> None:
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)
    assert {anchor for anchor, _, _ in SECTIONS} <= {link.removeprefix("#") for link in outline.links}


def test_the_verdict_comes_first_and_reads_without_colour(text: str, page: Page) -> None:
    assert text.index('id="verdict"') < text.index("<nav") < text.index(f'id="{SECTIONS[0][0]}"')
    box = text[text.index('id="verdict"') : text.index("<nav")]
    for said in ("? cannot tell 无法判定", "▲ ahead 领先", page.arm_statement, "结论要点"):
        assert said in box


def test_no_figure_of_the_verdict_stands_without_its_interval(page: Page) -> None:
    auc = page.evaluation.values["model"]["auc"]
    plan = next(w for w in page.review.worth if w.plan == "hebei")
    rate, uniform, lift = (
        [getattr(plan, f"{name}{end}") for end in ("", "_low", "_high")]
        for name in ("per_inspection", "uniform", "lift")
    )
    for words in (in_english(page), in_chinese(page)):
        assert f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]" in words
        # Every decimal number is a figure in front of its interval, or one of its ends.
        bare = re.sub(r"[\d.]+%? \[[\d.]+%?, [\d.]+%?\]", "", words)
        assert not re.search(r"\d\.\d", bare)
    for figure in (rate, uniform):
        assert "{:.1%} [{:.1%}, {:.1%}]".format(*figure) in in_english(page)
    assert "{:.2f} [{:.2f}, {:.2f}]倍".format(*lift) in in_chinese(page)


def test_the_page_says_what_was_found_and_how_sure_it_is(text: str, page: Page) -> None:
    auc = page.evaluation.values["model"]["auc"]
    for said in (
        f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]",
        "visited outside every segment: 1,234",
        "近三年行政处罚",
        "Few visits.",
        "ahead",
        "2.00 times as high",
    ):
        assert said in unbroken(text)


def test_every_check_of_the_contract_stands_in_its_section(text: str, page: Page) -> None:
    shown = section(text, "contract")
    for check in page.review.contract.checks:
        assert check.subject.replace("<", "&lt;") in shown
        if check.visits_to_tell is not None:
            assert f"{check.visits_to_tell:,}" in shown
    assert shown.index("<h3>For everyone</h3>") < shown.index("<details>")


def test_groups_too_small_to_test_are_named_with_the_visits_that_would_tell(page: Page) -> None:
    few = review(henan_year(30_000, seed=1, groups={"industry": 10}))
    shown = section(render(replace(page, review=few)), "contract")
    small = [c for c in few.contract.checks if c.attribute and c.visits < 100]
    assert len(small) == 20
    for c in small:
        assert f"{c.subject} ({c.visits})" in shown
        assert f"{c.visits_to_tell:,} of the {c.check.removeprefix('calibration_')}" in shown


def test_every_plan_stands_beside_uniform_draws_with_intervals(text: str, page: Page) -> None:
    shown = section(text, "worth")
    for w in page.review.worth:
        assert f"{w.lift:.2f} [{w.lift_low:.2f}, {w.lift_high:.2f}]" in shown
        assert w.name_zh in shown


def test_the_plans_worth_within_every_group_stands_with_visits_intervals_and_counts(text: str, page: Page) -> None:
    shown = section(text, "worth").split("Within each group")[1].split("Days earlier")[0]
    own = [w for w in page.review.worth_groups if w.plan == page.review.fairness.plan]
    often = {(g.attribute, g.group): g for g in page.review.fairness.groups}
    assert {w.attribute for w in own} == {"size", "region", "industry", "visited"}
    for w in own:
        g = often[w.attribute, w.group]
        row = next(r for r in shown.split("<tr>") if f'<th scope="row">{w.group}<' in r)
        for said in (
            f"{w.visits:,}<",
            f"{w.visits_per_100:.1f} [{w.visits_per_100_low:.1f}, {w.visits_per_100_high:.1f}]",
            f"{g.burden_ratio:.2f} [{g.burden_ratio_low:.2f}, {g.burden_ratio_high:.2f}]",
            f"{w.per_inspection:.1%} [{w.per_inspection_low:.1%}, {w.per_inspection_high:.1%}]",
            f"{w.uniform:.1%} [{w.uniform_low:.1%}, {w.uniform_high:.1%}]",
            f"{w.lift:.2f} [{w.lift_low:.2f}, {w.lift_high:.2f}]",
        ):
            assert said in row
    assert f"Of {len(own)} groups with visits enough: {len(own)} ahead." in shown
    assert "Measured on the random arm" in shown


def test_a_plan_that_gains_only_by_choosing_among_groups_is_ahead_in_none(page: Page) -> None:
    """Everyone in a group is said the same risk, and it is true: within a group nobody is worth more than another."""
    year = henan_year(200_000, seed=3)
    group = np.where(year.probability > np.median(year.probability), "risky", "safe")
    risk = np.where(group == "risky", 0.3, 0.05)
    y = (np.random.default_rng(4).random(len(year)) < risk).astype(int)
    grade = np.where(group == "risky", "C", "A")
    frame = year.frame.assign(y=y, severity=y, restates=0, probability=risk, grade=grade, size=group)
    found = review(TestVisits(frame, "random"))
    shown = section(render(replace(page, review=found)), "worth")
    assert "▲ ahead" in shown.split("Within each group")[0]
    assert "Of 2 groups with visits enough: 2 within noise." in shown


def test_a_month_that_awaits_every_result_has_its_estimate_and_no_comparison(text: str, page: Page) -> None:
    december, january = page.review.stable.expected[-2:]
    seen = int((page.review.visits.month == "2025-12").sum())
    assert (december.month, december.visits, december.awaited) == ("2025-12", seen + 300, 300)
    assert (january.month, january.visits, january.awaited) == ("2026-01", 120, 120)
    row = section(text, "stability").split('<th class=k scope="row">2026-01</th>')[1].split("</tr>")[0]
    cells = re.findall("<td[^>]*>(.*?)</td>", row)
    estimate = f"{january.rate:.1%} [{january.low:.1%}, {january.high:.1%}]"
    assert cells == ["0", "120 (unripe)", estimate, "–", "–", "–"]


def test_days_earlier_stand_beside_every_rival_for_either_window(text: str, page: Page) -> None:
    shown = section(text, "worth")
    table = shown.split("Days earlier", 1)[1]
    for d in page.review.earlier:
        assert f"{d.days:+z.1f} [{d.days_low:+z.1f}, {d.days_high:+z.1f}]" in table
        assert {r.rival for r in d.rivals} == {"scorecard", "past_rate", "logistic"}
        for r in d.rivals:
            assert f"{r.difference:+z.1f} [{r.difference_low:+z.1f}, {r.difference_high:+z.1f}]" in table
    for said in ("each month one list", "12 months one list", "visits of the random arm", "by lot"):
        assert said in table


def test_days_earlier_of_one_month_have_one_window_and_of_no_random_arm_say_so(page: Page) -> None:
    year = henan_year(seed=1)
    short = TestVisits(year.frame[year.month == "2025-03"].reset_index(drop=True), "unknown")
    shown = section(render(replace(page, review=review(short))), "worth")
    assert "No random arm (unknown visits): it holds for" in shown
    assert "months one list" not in shown
    assert "at once" not in shown


def test_months_groups_and_origins_are_told(text: str, page: Page) -> None:
    shown = section(text, "stability")
    for m in page.review.stable.calibration.months:
        assert m.month in shown
    assert "(unripe)" in shown
    assert "now D" in shown
    assert "2024-01-01 to 2024-02-28" in shown
    for m in page.review.stable.calibration.months:
        if m.visits:
            assert f"{m.observed:.1%} [{m.observed_low:.1%}, {m.observed_high:.1%}]" in shown
    for o in page.origins:
        for i in (o.auc, o.log_loss):
            assert f"{i.value:.3f} [{i.low:.3f}, {i.high:.3f}]" in shown
    for g in page.review.fairness.groups:
        assert f'<th scope="row">{g.group}<' in section(text, "fairness")
        for value, low, high in (
            (g.needless, g.needless_low, g.needless_high),
            (g.misses, g.misses_low, g.misses_high),
            (g.false_alarms, g.false_alarms_low, g.false_alarms_high),
        ):
            assert f"{value:.1%} [{low:.1%}, {high:.1%}]" in section(text, "fairness")
        assert f"{g.burden:.1f} [{g.burden_low:.1f}, {g.burden_high:.1f}]" in section(text, "fairness")


@pytest.mark.parametrize(
    ("attribute", "group", "names"),
    [
        ("size", "micro", "微型"),
        ("region", "1301", "Shijiazhuang<br>石家庄市"),
        ("region", "unknown", "不详"),
        ("industry", "N", "water, environment and public facilities<br>水利、环境和公共设施管理业"),
        ("visited", "within 24 months", "近24个月内被检查过"),
    ],
)
def test_a_group_stands_with_its_code_and_its_names(text: str, attribute: str, group: str, names: str) -> None:
    assert f'<th scope="row">{group}<span class="names">{names}</span></th>' in section(text, "fairness")
    one_line = names.replace("<br>", " ")
    assert f'calibration error, {attribute} {group}<span class="names">{one_line}</span>' in section(text, "contract")


def test_a_group_without_a_name_stands_with_its_code_alone(text: str) -> None:
    assert '<th scope="row">9901</th>' in section(text, "fairness")
    assert re.search("calibration error, region 9901</th>", section(text, "contract"))


def test_a_broken_promise_within_a_group_is_called_by_name_at_once(page: Page) -> None:
    contract = page.review.contract
    [error] = [c for c in contract.of("calibration_error", groups=True) if c.group == "N"]
    failed = replace(contract, verdict="fail", checks=(replace(error, verdict="fail"),))
    broken = replace(page, review=replace(page.review, contract=failed))
    assert "calibration error of industry N water, environment and public facilities 水利" in in_english(broken)


def test_shapes_carry_their_constraint_chinese_name_unit_and_policy_item(text: str, page: Page) -> None:
    shown = section(text, "shapes")
    assert "may only raise" in shown
    assert "may only lower" in shown
    for s in page.shapes:
        for said in (s.name, s.zh, s.policy):
            assert said in shown


def test_names_are_shown_not_run(text: str) -> None:
    assert "A &lt;b&gt;study&lt;/b&gt;" in text
    assert "<b>study</b>" not in text


def test_the_same_run_gives_the_same_bytes(page: Page, text: str, tmp_path: Path) -> None:
    assert render(whole_page(tmp_path, found=page.review)) == text


def test_a_broken_contract_is_said_at_once_in_both_languages(page: Page) -> None:
    broken = replace(page, review=review(henan_year(15_000, seed=4, shares=(0.6, 0.6, 1.0, 1.0), shift=0.8)))
    assert "can't be approved as it is" in in_english(broken)
    assert "不得批准" in in_chinese(broken)
    assert "✗ fail 不通过" in render(broken)


def test_too_few_months_name_the_months_and_the_visits_that_would_tell(page: Page) -> None:
    short = replace(page, review=review(henan_year(seed=1, months=3)))
    said = in_english(short)
    assert "3 months of visits are fewer than the 12" in said
    most = max(k.visits_to_tell for k in short.review.contract.checks if k.visits_to_tell)
    assert f"about {most:,} visits would tell" in said


def test_without_a_random_arm_nothing_is_claimed(page: Page) -> None:
    year = henan_year(seed=1)
    unknown = replace(page, review=review(TestVisits(year.frame, "unknown")))
    assert "There is no random arm" in in_english(unknown)
    assert "没有随机抽查" in in_chinese(unknown)
    box = render(unknown).split("<nav")[0]
    assert "✓ pass 通过</span></dd><dd>everyone" not in box
    assert box.count("? cannot tell") >= 2


def test_a_drift_that_asks_for_a_new_model_is_in_the_first_paragraph(page: Page) -> None:
    asked = Retrain(True, "fail", ("scores drifted",), "A new model is asked for: scores drifted.")
    drifted = replace(page, review=replace(page.review, stable=replace(page.review.stable, retrain=asked)))
    assert asked.text in in_english(drifted)
    assert "漂移要求重新训练" in in_chinese(drifted)


@pytest.mark.parametrize(
    ("compared", "said"),
    [
        (Differences(version=""), "No model is approved"),
        (
            Differences(version="", problem="The approved model can't be read: <line 3>"),
            "can&#x27;t be read: &lt;line 3&gt;",
        ),
    ],
)
def test_without_a_readable_approved_model_the_page_says_so(page: Page, compared: Differences, said: str) -> None:
    assert said in render(replace(page, differences=compared))
