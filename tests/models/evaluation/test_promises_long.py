"""What theory promises of the evaluation, held on thousands of simulated years, to 4 binomial standard errors.

Coverage of every interval; size of the calibration test, of its correction and of the stability alarm when nothing is
wrong; their power when something stated is; and that the number of visits named would tell. The figures are shown by
``pytest -m long -rP``.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom, chi2, ncx2

from helpers.henan_year import Options, Rows, henan_rows, henan_year, true_rates
from models.evaluation import (
    Frozen,
    check_band_contract,
    days_earlier,
    load_contract,
    load_drift,
    load_sampling,
    stability,
    worth,
)
from models.evaluation.band_contract.calibration_tests import calibration_slope, error_test
from models.evaluation.band_contract.power import ErrorPower, shifted
from models.evaluation.intervals import gap, weighted_rate
from models.evaluation.verdicts import holm, inside, se_to_tell, visits_for
from models.scoring.bands import load_bands

pytestmark = pytest.mark.long
BANDS, CONTRACT, DRIFT, PLANS = load_bands("hebei"), load_contract("hebei"), load_drift("hebei"), load_sampling("hebei")


def slack(promised: float, times: int) -> float:
    return float(4 * np.sqrt(promised * (1 - promised) / times))


def say(*figures: object) -> None:
    sys.stdout.write(" ".join(map(str, figures)) + "\n")


class Year(Options):
    """A year, how many firms it has, and what else it differs in."""

    firms: int


YEARS: list[Year] = [
    {"firms": 300_000},
    {"firms": 60_000},
    {"firms": 15_000},
    {"firms": 100_000, "noise": 0.8},
    {"firms": 60_000, "repeat": 0.3},
]


@pytest.mark.parametrize("year", YEARS, ids=str)
def test_intervals_hold_the_truth_as_often_as_they_say(year: Year) -> None:
    """Rates of each class, the gap of everyone and the slope, whatever the sample, its weights and its repeats."""
    times, truth = 1000, true_rates()
    hits, seen = np.zeros(6), np.zeros(6)
    for seed in range(times):
        r = henan_rows(seed=seed, **year)
        for k in range(4):
            at = r.grade == k
            if at.any():
                i = weighted_rate(r.y[at], r.w[at], r.firm[at])
                hits[k] += i.low <= truth[k] <= i.high
                seen[k] += 1
        g, s = gap(r.y, r.p, r.w, r.firm), calibration_slope(r.y, r.p, r.w, r.firm, 0.95)
        hits[4:] += g.low <= 0 <= g.high, s.low <= 1 <= s.high
        seen[4:] += 1, not np.isnan(s.value)
    coverage = hits / seen
    say(year, "coverage of A B C D, gap, slope:", coverage.round(3))
    assert (coverage >= 0.95 - slack(0.95, times)).all()
    assert coverage[:4].max() <= 0.99


@pytest.mark.parametrize("year", [{"firms": 300_000}, {"firms": 30_000}, {"firms": 60_000, "noise": 0.8}], ids=str)
def test_the_calibration_test_fails_a_perfect_model_once_in_twenty(year: Year) -> None:
    times = 200 if year["firms"] > 100_000 else 500
    failed = sum(
        error_test(r.y, r.p, r.w, r.firm, bins=10, level=0.95, seed=seed).p_value <= 0.05
        for seed, r in ((s, henan_rows(seed=s, **year)) for s in range(times))
    )
    say(year, "size:", failed / times)
    assert abs(failed / times - 0.05) <= slack(0.05, times)


def test_a_firm_visited_again_does_not_make_the_calibration_test_fail_more_often() -> None:
    """Without regard to enterprises, six times out of ten visited twice, it fails clearly too often."""
    times = 250
    failed = np.zeros(2)
    for seed in range(times):
        r = henan_rows(60_000, seed, repeat=0.6)
        for k, firm in enumerate((r.firm, np.arange(len(r.y)))):
            failed[k] += error_test(r.y, r.p, r.w, firm, bins=10, level=0.95, seed=seed).p_value <= 0.05
    say("size with repeats, by enterprise and by visit:", failed / times)
    assert failed[0] / times <= 0.05 + slack(0.05, times)
    assert failed[1] / times > 0.05 + slack(0.05, times)


def test_twenty_groups_together_fail_a_perfect_model_at_most_once_in_twenty() -> None:
    times, groups = 200, 20
    failed = alone = 0
    for seed in range(times):
        r = henan_rows(200_000, seed)
        place = r.firm % groups
        p = [
            error_test(*(v[place == g] for v in (r.y, r.p, r.w, r.firm)), bins=10, level=0.95, seed=seed, family=groups)
            for g in range(groups)
        ]
        failed += min(holm([t.p_value for t in p])) <= 0.05
        alone += min(t.p_value for t in p) <= 0.05
    say("family-wise error of 20 groups:", failed / times, "uncorrected:", alone / times)
    assert failed / times <= 0.05 + slack(0.05, times)
    assert alone / times > 0.4


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("firms", [40_000, 80_000])
def test_the_calibration_test_has_the_power_it_is_said_to_have(firms: int, sign: int) -> None:
    times, error = 250, 0.02
    rng = np.random.default_rng(firms)
    seen, told = 0, []
    for seed in range(times):
        r = henan_rows(firms, seed)
        q = shifted(r.p, r.w, error, sign)
        assert q is not None
        y = (rng.random(len(q)) < q).astype(float)
        seen += error_test(y, r.p, r.w, r.firm, bins=10, level=0.95, seed=seed).p_value <= 0.05
        if seed < 20:
            power = ErrorPower.of(r.p, r.w, r.firm, bins=10, level=0.95, error=error)
            at = 0 if sign == 1 else 1
            told.append(ErrorPower(power.shifts[at : at + 1], power.null_sd, power.other_sd[at : at + 1], 0.95,
                                   power.normals).at())  # fmt: skip
    say(firms, sign, "power seen", seen / times, "told", round(float(np.mean(told)), 3))
    assert abs(seen / times - np.mean(told)) <= slack(float(np.mean(told)), times) + 0.02


def test_with_the_visits_named_the_calibration_test_has_the_power_wanted() -> None:
    small = henan_rows(40_000, 1)
    power = ErrorPower.of(small.p, small.w, small.firm, bins=10, level=0.95, error=0.02)
    needed = power.visits_to_tell(len(small.y), 0.8)
    assert needed is not None
    firms = round(40_000 * needed / len(small.y))
    times, rng, worst = 200, np.random.default_rng(4), []
    for sign in (1, -1):
        seen = 0
        for seed in range(times):
            r = henan_rows(firms, seed)
            q = shifted(r.p, r.w, 0.02, sign)
            assert q is not None
            y = (rng.random(len(q)) < q).astype(float)
            seen += error_test(y, r.p, r.w, r.firm, bins=10, level=0.95, seed=seed).p_value <= 0.05
        worst.append(seen / times)
    say("visits named", needed, "power there, up and down:", worst)
    # The mix of one small year stands for all: its own luck adds to the binomial error.
    assert abs(min(worst) - 0.8) <= slack(0.8, times) + 0.05


def test_with_the_visits_named_a_perfect_model_passes_in_its_slope_and_its_ranges() -> None:
    small = henan_rows(100_000, 1)
    slope = calibration_slope(small.y, small.p, small.w, small.firm, 0.95)
    wanted = se_to_tell(1.0, CONTRACT.slope, 0.95, 0.8)
    needed = visits_for(len(small.y), slope.se_planned, wanted)
    assert needed is not None
    firms, times = round(100_000 * needed / len(small.y)), 150
    passed = 0
    for seed in range(times):
        r = henan_rows(firms, seed)
        s = calibration_slope(r.y, r.p, r.w, r.firm, 0.95)
        passed += inside(s.low, s.high, CONTRACT.slope) == "pass"
    say("visits named for the slope", needed, "perfect models that pass there:", passed / times)
    assert abs(passed / times - 0.8) <= slack(0.8, times) + 0.03


def test_no_family_of_the_contract_fails_a_perfect_model_more_often_than_once_in_twenty() -> None:
    """Each kind of check, for everyone and over all groups together, is one family at 5 %.

    The error for everyone is at its 5 %, neither more nor less. The slope for everyone, the rise and the ranges of a
    perfect model lie inside what is promised, not at its edge: they are below. So three families can be wrong, and
    depend on one another in the same direction (a year in which the groups look wrong is one in which everyone does):
    together in at most 1 - 0.95^3 of years. Bounds are the 99.9 % ends of the binomial distribution of so many years.
    """
    times, kinds = 400, ("rise", "range", "calibration_error", "calibration_slope")
    failed = {(kind, groups): 0 for kind in kinds for groups in (False, True)}
    whole = 0
    for seed in range(times):
        year = henan_year(60_000, seed, groups={"region": 4, "size": 3})
        found = check_band_contract(year, BANDS, CONTRACT, seed=seed)
        for kind, groups in failed:
            failed[kind, groups] += any(c.verdict == "fail" for c in found.of(kind, groups=groups))
        whole += found.verdict == "fail"
    say("years of", times, "that fail a perfect model, by family:", failed, "by any:", whole)
    assert max(failed.values()) <= binom.ppf(0.999, times, 0.05)
    assert failed["calibration_error", False] >= binom.ppf(0.001, times, 0.05)
    assert whole <= binom.ppf(0.999, times, 1 - 0.95**3)


@pytest.mark.parametrize("fault", [{"shift": 0.4}, {"slope": 0.6, "shift": -0.8}], ids=str)
def test_the_whole_contract_finds_a_stated_fault(fault: Options) -> None:
    times = 30
    failed = sum(
        check_band_contract(henan_year(300_000, s, **fault), BANDS, CONTRACT, seed=s).verdict == "fail"
        for s in range(times)
    )
    say("contracts that fail a model wrong by", fault, failed / times, "of", times)
    assert failed / times >= 0.9


@pytest.mark.parametrize(("then", "now"), [(20_000, 20_000), (300_000, 300_000), (2_000, 500), (300, 300)])
def test_the_stability_alarm_holds_its_size_and_the_trades_does_not(then: int, now: int) -> None:
    times = 500 if now > 1000 else 3000
    rng = np.random.default_rng(then + now)
    tenth = np.full(10, 0.1)
    mix = np.array([0.55, 0.32, 0.09, 0.04])
    for name, p in (("score", tenth), ("class", mix)):
        alarms = folklore = 0
        labels = tuple("ABCD") if name == "class" else (*map(str, range(len(p))), "unknown")
        edges = () if name == "class" else tuple(np.arange(len(p) - 1) + 0.5)
        for _ in range(times):
            counts = rng.multinomial(then, p).tolist() + ([] if name == "class" else [0])
            frozen = Frozen(name=name, labels=labels, edges=edges, counts=tuple(counts))
            drawn = rng.multinomial(now, p)
            values = np.repeat(np.array(list("ABCD"), dtype=object) if name == "class" else np.arange(len(p)), drawn)
            s = stability(frozen, values, DRIFT)
            alarms += s.alarm
            folklore += s.folklore != "stable"
        say(
            then,
            now,
            name,
            "alarms",
            round(alarms / times, 4),
            "above the trade's 0.1",
            round(folklore / times, 4),
            "of",
            times,
        )
        assert alarms / times <= 0.01 + slack(0.01, times)


def test_the_stability_alarm_has_the_power_chi_squared_promises() -> None:
    """Shares moved by a stated little: the index is then non-central chi-squared, and its alarm as likely."""
    p = np.array([0.55, 0.32, 0.09, 0.04])
    q = np.array([0.53, 0.32, 0.10, 0.05])
    n, times = 5000, 2000
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(times):
        frozen = Frozen(name="class", labels=tuple("ABCD"), counts=tuple(rng.multinomial(n, p).tolist()))
        alarms += stability(frozen, np.repeat(np.array(list("ABCD"), dtype=object), rng.multinomial(n, q)), DRIFT).alarm
    middle = (p + q) / 2
    promised = float(ncx2.sf(chi2.ppf(0.99, 3), 3, n / 2 * ((p - q) ** 2 / middle).sum()))
    say("PSI alarm power seen", alarms / times, "promised", round(promised, 3))
    assert abs(alarms / times - promised) <= slack(promised, times) + 0.02


def test_with_the_visits_named_a_class_passes_in_its_range() -> None:
    """Class D among few firms: so many visits to it, that four of five perfect models pass."""
    small = henan_year(40_000, 1)
    [d] = [c for c in check_band_contract(small, BANDS, CONTRACT, attributes=()).of("range") if c.subject == "D"]
    assert d.verdict == "cannot tell"
    assert d.visits_to_tell is not None
    firms, times, passed = round(40_000 * d.visits_to_tell / d.visits), 500, 0
    for seed in range(times):
        r = henan_rows(firms, seed)
        at = r.grade == 3
        i = weighted_rate(r.y[at], r.w[at], r.firm[at])
        passed += inside(i.low, i.high, (d.promised_low, 2.0)) == "pass"
    say("visits named for class D", d.visits_to_tell, "perfect models that pass there:", passed / times)
    # The expected rate of a few firms stands for that of all.
    assert abs(passed / times - 0.8) <= slack(0.8, times) + 0.12


@pytest.mark.parametrize("noise", [0.0, 0.8])
def test_intervals_of_worth_hold_what_the_plan_would_find(noise: float) -> None:
    z = np.random.default_rng(0).standard_normal(4_000_000)
    p = expit(-2.62 + 0.85 * z)
    grade = np.searchsorted([0.09, 0.18, 0.35], p)
    truth = {
        n: float(np.average(p, weights=np.asarray(plan.visits())[grade]) / p.mean()) for n, plan in PLANS.plans.items()
    }
    times, hits = 200, dict.fromkeys(truth, 0)
    for seed in range(times):
        for w in worth(henan_year(60_000, seed, noise=noise), PLANS, CONTRACT, repetitions=400, seed=seed)[:6]:
            hits[w.plan] += w.lift_low <= truth[w.plan] <= w.lift_high
    coverage = {n: h / times for n, h in hits.items()}
    say("noise", noise, "coverage of lift:", coverage)
    assert min(coverage.values()) >= 0.95 - slack(0.95, times) - 0.02  # a percentile bootstrap is a little short


def test_intervals_of_days_earlier_hold_the_mean_of_many_lists() -> None:
    lists = [days_earlier(henan_year(60_000, seed), repetitions=200, seed=seed) for seed in range(150)]
    truth = np.mean([f.days for f in lists])
    coverage = float(np.mean([f.days_low <= truth <= f.days_high for f in lists]))
    say("days earlier", round(float(truth), 2), "coverage", coverage)
    assert coverage >= 0.95 - slack(0.95, 150) - 0.02


def test_a_tenth_of_a_henan_year_shows_what_the_domain_says() -> None:
    everyone, tenth = [], []
    for seed in range(20):
        r: Rows = henan_rows(300_000, seed)
        everyone.append(error_test(r.y, r.p, r.w, r.firm, bins=10, level=0.95, seed=seed).error)
        at = r.firm % 10 == 0
        tenth.append(error_test(r.y[at], r.p[at], r.w[at], r.firm[at], bins=10, level=0.95, seed=seed).error)
    say(
        "calibration error of a perfect model: everyone",
        round(np.mean(everyone), 4),
        "a tenth",
        round(np.mean(tenth), 4),
    )
    assert np.mean(everyone) == pytest.approx(0.009, abs=0.0015)
    assert np.mean(tenth) == pytest.approx(0.03, abs=0.003)
