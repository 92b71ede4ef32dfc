"""Dead letters on real programs: a run of good and bad files, what they have in common, again, purged."""

import pytest

from tests.harness.quarry import until
from tests.harness.samples.text_pdf import text_pdf


@pytest.fixture(scope="module")
def stack(module_stack_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("in")
    for i in range(4):
        (folder / f"empty-{i}.pdf").write_bytes(b"")
        (folder / f"odd-{i}.x{i}z").write_bytes(b"\x01\x02\x03\x04" * 50)
        (folder / f"good-{i}.txt").write_text("words\n")
    for i in range(3):
        (folder / f"mislabelled {i}.pdf").write_bytes(b"PK\x03\x04" + bytes(200))
    stack = module_stack_of(roots={"in": folder})
    stack.folder_in = folder
    stack.start_coordinator()
    stack.start_worker("w1", 2)
    stack.run_id = stack.create_run("root://in/")
    run = stack.wait_run(stack.run_id)
    assert run["completed"] == 4 and run["failed"] == 11
    return stack


def patterns(stack, *args):
    return stack.ask("dlq", "analyze", *args)


def test_analyze_groups_by_class_and_pattern(stack, capsys):
    found = patterns(stack, "--run", stack.run_id)
    assert sum(p["count"] for p in found) == 11 and abs(sum(p["share"] for p in found) - 1) < 1e-9
    by_count = [p["count"] for p in found]
    assert by_count == sorted(by_count, reverse=True)
    named = next(p for p in found if "the name says" in p["pattern"])
    assert named["count"] == 3 and named["error_class"] == "invalid_input" and "rename" in named["suggestion"]
    unknown = next(p for p in found if p["error_class"] == "unsupported")
    assert unknown["count"] == 4 and "<name>" in unknown["pattern"]  # the extensions differ
    for p in found:
        assert p["runs"] == 1 and p["run_ids"] == [stack.run_id] and 1 <= len(p["sample_job_ids"]) <= 3
        assert 0 < p["first_ms"] <= p["last_ms"]
        assert stack.ask("dlq", "show", p["sample_job_ids"][0])["pattern_id"] == p["id"]
    table = stack.cli("dlq", "analyze").stdout.splitlines()
    assert table[0].split()[:4] == ["PATTERN", "COUNT", "SHARE", "CLASS"] and len(table) == 1 + len(found)
    details = stack.cli("dlq", "analyze", "--details").stdout
    with capsys.disabled():
        print("\n" + "\n".join(table) + "\n\n" + details)
    assert details.count("  try     ") == len(found)


def test_show_has_every_lease_and_event(stack):
    letter = stack.ask("dlq", "list", "--run", stack.run_id, "--class", "unsupported")[0]
    shown = stack.ask("dlq", "show", letter["id"])
    lease, = shown["leases"]
    assert lease["worker"] == "w1" and lease["outcome"] == "failed" and lease["error_class"] == "unsupported"
    assert lease["message"] == letter["last_error"] == shown["message"] and lease["budget_ms"] > 0
    assert 0 < lease["started_ms"] <= lease["ended_ms"]
    assert [event["event"] for event in shown["events"]] == ["created", "leased", "failed"]
    text = stack.cli("dlq", "show", letter["id"]).stdout
    assert "try       no extractor" in text and "ENDED AS" in text
    good = stack.ask("job", "list", "--run", stack.run_id, "--status", "completed")[0]["id"]
    assert "quarry job show" in stack.cli("dlq", "show", good, code=3).stderr
    stack.cli("dlq", "show", 99999999, code=3)


def test_wrong_usage_says_what_to_try(stack):
    for args, hint in ((("retry",), "--run ID"), (("retry", "1", "--all"), "not both"),
                       (("retry", "--all", "--run", "1"), "excludes"), (("retry", "--pattern", "xyz"), "dlq analyze"),
                       (("purge",), "--older-than 30d"), (("show",), "job ID")):
        assert hint in stack.cli("dlq", *args, code=2).stderr
    for args in (("analyze",), ("retry",), ("purge", "--older-than", "1d")):
        stack.cli("dlq", *args, "--run", 999999, code=3)


def test_retry_of_a_pattern_then_purge(stack):
    named = next(p for p in patterns(stack) if "the name says" in p["pattern"])
    for i in range(2):  # two of three are mended
        (stack.folder_in / f"mislabelled {i}.pdf").write_bytes(text_pdf(1))
    until(lambda: stack.metrics()['quarry_dead_letters{class="invalid_input"}'] >= 3,
          "the dead letters to be counted", 30)
    answer = stack.ask("dlq", "retry", "--pattern", f"{named['id']:08x}")
    assert answer["retried"] == 3 and answer["skipped"] == 0
    run = stack.wait_run(stack.run_id)
    assert run["completed"] + run["failed"] == 15
    again = [p for p in patterns(stack) if p["id"] == named["id"]]
    assert [p["count"] for p in again] == [1]
    answer = stack.ask("dlq", "retry", again[0]["sample_job_ids"][0])
    assert answer["retried"] == 1
    stack.wait_run(stack.run_id)

    left = stack.value("SELECT count(*) FROM dead_letters")
    assert stack.ask("dlq", "purge", "--older-than", "1h")["purged"] == 0
    assert stack.ask("dlq", "purge", "--older-than", "1ms", "--dry-run")["purged"] == left
    assert stack.cli("dlq", "purge", "--older-than", "1ms").stdout == f"purged: {left}\n"
    assert stack.ask("dlq", "list") == []
    failed = stack.ask("job", "list", "--status", "failed")
    assert len(failed) == left
    assert "failed" in [event["event"] for event in stack.ask("job", "events", failed[0]["id"])]
    assert stack.ask("job", "retry", failed[0]["id"])["retried"] == 1  # still possible, one by one
