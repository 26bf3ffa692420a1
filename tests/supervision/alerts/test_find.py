"""Warnings: what was planted is found with its evidence, and a quiet province is left alone at the policy's rate."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from features.errors import ConfigError
from helpers.alerts import CUTOFF, day, quiet_register, random_rows, register, rows, store_of
from supervision.alerts.find import find_alerts, month_before
from supervision.alerts.policy import WarningsPolicy, warnings_policy

POLICY = warnings_policy("hebei")
ITEMS = ("legal_representative", "name", "address", "scope")


def planted_batch(founded: date, address: str = "X", number: int = 6) -> pd.DataFrame:
    return register([f"S{k}" for k in range(number)], [founded] * number, [address] * number)


def with_rate(kind: str, false_alarms: float) -> WarningsPolicy:
    part = getattr(POLICY, kind).model_copy(update={"false_alarms": false_alarms})
    return POLICY.model_copy(update={kind: part})


def test_a_batch_at_one_address_is_found_with_its_registrations() -> None:
    store = store_of(registration=pd.concat([quiet_register(2000), planted_batch(day(10))]))
    [alert] = find_alerts(store, CUTOFF, POLICY)
    assert alert.kind == "registration"
    assert alert.evidence == tuple(f"registration:RS{k}" for k in range(6))
    assert alert.enterprises == tuple(f"S{k}" for k in range(6))
    assert "address" in alert.en
    assert "地址" in alert.zh
    assert alert.known == str(day(7))


def test_one_batch_seen_by_address_and_person_is_one_warning_that_names_both_links_and_no_person() -> None:
    firms = [f"S{k}" for k in range(6)]
    posts = rows("persons_roles", firms, [day(10)] * 6, person_id="P-SECRET", role="legal_representative")
    register_ = pd.concat([quiet_register(2000), planted_batch(day(10))])
    [alert] = find_alerts(store_of(registration=register_, persons_roles=posts), CUTOFF, POLICY)
    assert "address and person" in alert.en
    assert "P-SECRET" not in str(alert.as_dict())


def test_a_centre_that_always_registers_many_is_no_batch() -> None:
    """The same six in a week, at an address with two registrations a day for three years."""
    many = 2200
    busy = register([f"B{k}" for k in range(many)], [day(20 + k // 2) for k in range(many)], ["X"] * many)
    store = store_of(registration=pd.concat([quiet_register(2000), busy, planted_batch(day(10))]))
    assert find_alerts(store, CUTOFF, POLICY) == []


def test_what_is_known_at_the_cut_off_or_later_does_not_count() -> None:
    register_ = pd.concat([quiet_register(2000), planted_batch(day(10))])
    known_on = day(7)
    assert find_alerts(store_of(registration=register_), known_on, POLICY) == []
    assert len(find_alerts(store_of(registration=register_), known_on + timedelta(days=1), POLICY)) == 1


def test_since_leaves_out_what_was_known_before() -> None:
    store = store_of(registration=pd.concat([quiet_register(2000), planted_batch(day(10))]))
    assert len(find_alerts(store, CUTOFF, POLICY, since=day(7))) == 1
    assert find_alerts(store, CUTOFF, POLICY, since=day(6)) == []


def test_a_since_that_is_not_before_the_cut_off_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--since 2026-01-01"):
        find_alerts(store_of(registration=quiet_register(10)), CUTOFF, POLICY, since=CUTOFF)


def test_several_items_changed_in_days_are_found_and_one_item_many_times_is_not() -> None:
    base = quiet_register(2000)
    firms = list(base["enterprise_id"])
    usual = random_rows("changes", firms, 0.2, 3, item="scope")
    several = rows("changes", ["E00007"] * 4, [day(10 - k) for k in range(4)], item=list(ITEMS))
    several["record_id"] = [f"planted{k}" for k in range(4)]
    one = rows("changes", ["E00008"] * 4, [day(10 - k) for k in range(4)], item="scope")
    one["record_id"] = [f"same{k}" for k in range(4)]
    found = find_alerts(store_of(registration=base, changes=pd.concat([usual, several, one])), CUTOFF, POLICY)
    [alert] = [each for each in found if each.kind == "changes"]
    assert alert.enterprises == ("E00007",)
    assert set(alert.evidence) >= {f"changes:planted{k}" for k in range(4)}


def complained(outcome: str, number: int = 12) -> pd.DataFrame:
    extra = rows("complaints", ["E00007"] * number, [day(25 - k) for k in range(number)], outcome=outcome)
    extra["record_id"] = [f"planted{k}" for k in range(number)]
    return extra


def complaints_store(extra: pd.DataFrame) -> list[str]:
    base = quiet_register(2000)
    usual = random_rows("complaints", list(base["enterprise_id"]), 0.3, 4, outcome="upheld")
    both = pd.concat([usual, extra]).assign(complaint_kind="complaint", field="consumer")
    found = find_alerts(store_of(registration=base, complaints=both), CUTOFF, POLICY)
    return [record for each in found if each.kind == "complaints" for record in each.evidence]


def test_a_growth_of_complaints_is_found_with_its_complaints() -> None:
    assert set(complaints_store(complained("upheld"))) >= {f"complaints:planted{k}" for k in range(12)}


@pytest.mark.parametrize("outcome", ["malicious", "unfounded"])
def test_a_campaign_of_rejected_complaints_raises_nothing(outcome: str) -> None:
    assert complaints_store(complained(outcome)) == []


def test_a_sectors_rise_of_penalties_is_found_by_district() -> None:
    base = quiet_register(2000).assign(region=[f"1301{k % 20:02d}" for k in range(2000)])
    usual = random_rows("penalties", list(base["enterprise_id"]), 0.2, 5)
    here = list(base.loc[base["region"] == "130105", "enterprise_id"])[:25]
    extra = rows("penalties", here, [day(12)] * len(here))
    extra["record_id"] = [f"planted{k}" for k in range(len(here))]
    both = pd.concat([usual, extra]).assign(field="consumer", penalty_kinds="fine", authority_kind="market_regulation")
    found = [a for a in find_alerts(store_of(registration=base, penalties=both), CUTOFF, POLICY) if a.kind == "sectors"]
    assert [(a.region, a.industry) for a in found] == [("130105", "F51")]
    assert set(found[0].evidence) >= {f"penalties:planted{k}" for k in range(25)}


def test_a_quiet_province_raises_no_more_than_the_policy_lets_chance_raise() -> None:
    """Each kind's number of warnings over six months is binomial at most at the policy's rate: a test of size 0.001."""
    base = quiet_register(4000, seed=8)
    firms = list(base["enterprise_id"])
    rng = np.random.default_rng(11)
    changes = random_rows("changes", firms, 1.2, 9)
    changes["item"] = rng.choice(ITEMS, len(changes))
    complaints = random_rows("complaints", firms, 12.0, 10, complaint_kind="complaint", field="consumer")
    store = store_of(registration=base, changes=changes, complaints=complaints.assign(outcome="upheld"))
    policy = with_rate("complaints", 50.0)
    policy = policy.model_copy(update={"changes": with_rate("changes", 50.0).changes})
    raised = {"changes": 0, "complaints": 0}
    cutoff = CUTOFF
    for _ in range(6):
        for alert in find_alerts(store, cutoff, policy):
            raised[alert.kind] += 1
        cutoff = month_before(cutoff)
    for kind, number in raised.items():
        test = binomtest(number, 6 * len(firms), 50.0 / 10_000, alternative="greater")
        assert test.pvalue > 0.001, (kind, number)
    assert raised["complaints"] > 20, "the threshold is not so strict that nothing is ever raised"


def test_the_same_records_give_the_same_warnings() -> None:
    made = [
        find_alerts(store_of(registration=pd.concat([quiet_register(500), planted_batch(day(9))])), CUTOFF, POLICY)
        for _ in range(2)
    ]
    assert made[0] == made[1] != []
