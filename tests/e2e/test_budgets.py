"""Time budgets: learned from what a run took, shown with the reason, kept over a restart."""

from tests.harness.quarry import until


def test_rule_5_budgets_are_learned_shown_and_kept(stack_of, tmp_path, capsys):
    for i in range(150):
        (tmp_path / f"{i:03}.txt").write_text("some words\n" * 20)
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 2)
    assert stack.ask("budget", "list") == []
    run_id = stack.create_run(tmp_path)
    stack.wait_run(run_id)

    def learned():
        found = [b for b in stack.ask("budget", "list", "--type", "text") if b["learned"]]
        return found[0] if found and found[0]["seen"] == 150 else None

    budget = until(learned, "a learned budget", 30, every=0.3)
    assert budget["size"] == "below 64 KiB" and budget["samples"] == 150
    assert budget["budget_ms"] == budget["min_ms"] == 30000 and budget["max_ms"] == 240000
    assert budget["p50_ms"] <= budget["p99_ms"] and "learned from 150 text jobs" in budget["why"]
    assert "budget.changed" in stack.coordinator.log.read_text()

    worker.terminate()
    (tmp_path / "new.txt").write_text("one more\n")
    run_id = stack.create_run(tmp_path)
    stack.wait_listed(run_id)
    job = stack.ask("job", "list", "--run", run_id)[0]["id"]
    shown = stack.cli("job", "show", job).stdout
    with capsys.disabled():
        print("\n" + stack.cli("budget", "list").stdout + "\n" + shown)
    assert "budget    30.0 s, learned from 150 text jobs below 64 KiB" in shown

    stack.coordinator.terminate()
    stack.start_coordinator()
    assert until(learned, "the budget after a restart", 30, every=0.3)["budget_ms"] == 30000
