"""What may stand in a folder, and what may happen to it: every file ends, with a reason."""

import json
import os
import zipfile

import pytest


@pytest.fixture
def started(stack_of, tmp_path):
    """(stack, folder): a coordinator whose only root is the folder; no worker yet."""
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    return stack, tmp_path


def outcome(stack, run_id):
    """{file name: (status, class, message)} of a run that has ended."""
    rows = stack.sql("SELECT f.uri, j.status, j.error_class, j.last_error FROM extraction_jobs j "
                     "JOIN cloud_files f ON f.id = j.file_id WHERE j.run_id = %s", run_id)
    return {uri.rpartition("/")[2]: rest for uri, *rest in rows}


def test_files_of_all_sorts_end_with_a_reason(started):
    stack, folder = started
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog")
    (folder / "nul.txt").write_bytes(b"before\0after\n")
    (folder / "latin.txt").write_bytes("Größe 5 µm\n".encode("latin-1"))
    (folder / "thing.xyz").write_bytes(b"\x7fELF something")
    with zipfile.ZipFile(folder / "zip.pdf", "w") as archive:
        archive.writestr("a.txt", "not a pdf")
    open(os.fsencode(folder) + b"/caf\xe9.txt", "wb").write(b"a name that is not UTF-8\n")
    (folder / "percent %41 #1.txt").write_text("a name that looks encoded\n")
    files = sum(1 for path in folder.iterdir() if path.is_file())
    stack.start_worker("w1")
    run = stack.wait_run(stack.create_run(folder))
    found = outcome(stack, run["id"])
    assert run["total"] == files == run["completed"] + run["failed"]
    for name in ("empty.pdf", "zip.pdf"):
        assert found[name][:2] == ["failed", "invalid_input"], found[name]
    assert found["thing.xyz"][:2] == ["failed", "unsupported"]
    assert found["latin.txt"][0] == "completed" and found["nul.txt"][0] == "completed"
    text = stack.value("SELECT p.text FROM extracted_pages p JOIN extraction_jobs j ON j.id = p.job_id "
                       "JOIN cloud_files f ON f.id = j.file_id WHERE f.name = 'latin.txt'")
    assert text.strip() == "Größe 5 µm"


def test_names_that_a_uri_cannot_carry_as_text_are_read_all_the_same(started):
    stack, folder = started
    names = [b"caf\xe9.txt", b"percent %41 100%.txt", b"new\nline.txt", b"tab\there.txt", b"esc\x1b[31m.txt",
             b"it's \"so\".txt", b"back\\slash.txt", b"#hash?x=1&y.txt", b"-o.txt", "ümlaut 日本.txt".encode()]
    for name in names:
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(b"read\n")
    stack.start_worker("w1")
    run = stack.wait_run(stack.create_run(folder))
    bad = {name: end for name, end in outcome(stack, run["id"]).items() if end[0] != "completed"}
    assert not bad and run["completed"] == len(names)
    assert stack.value("SELECT count(*) FROM extracted_pages WHERE text = E'read\\n'") == len(names)


def test_a_record_larger_than_a_message_is_exported(started):
    stack, folder = started
    line = "a long text, line after line\n"
    (folder / "large.txt").write_text(line * 300_000)
    stack.start_worker("w1")
    run = stack.wait_run(stack.create_run(folder))
    record, = map(json.loads, stack.cli("export", "--run", run["id"]).stdout.splitlines())
    assert record["status"] == "completed" and record["text"] == line * 300_000


def test_a_link_out_of_the_root_is_not_followed(started, tmp_path_factory):
    stack, folder = started
    secret = tmp_path_factory.mktemp("outside") / "secret.txt"
    secret.write_text("must not be read\n")
    (folder / "inside.txt").write_text("may be read\n")
    (folder / "link.txt").symlink_to(secret)
    os.mkfifo(folder / "pipe.txt")
    stack.start_worker("w1")
    run = stack.wait_run(stack.create_run(folder))
    assert stack.value("SELECT count(*) FROM extracted_pages WHERE text LIKE '%%must not%%'") == 0
    assert run["completed"] == 1 and outcome(stack, run["id"])["inside.txt"][0] == "completed"


def test_files_deleted_or_changed_after_the_listing_are_told(started):
    stack, folder = started
    for name in ("stays.txt", "goes.txt", "grows.txt", "becomes_folder.txt"):
        (folder / name).write_text("listed\n")
    run_id = stack.create_run(folder)
    stack.wait_listed(run_id)
    (folder / "goes.txt").unlink()
    (folder / "becomes_folder.txt").unlink()
    (folder / "becomes_folder.txt").mkdir()
    (folder / "grows.txt").write_text("listed, then changed\n")
    os.utime(folder / "grows.txt", (1, 1))
    stack.start_worker("w1")
    stack.wait_run(run_id)
    found = outcome(stack, run_id)
    assert found["stays.txt"][0] == "completed"
    for name in ("goes.txt", "becomes_folder.txt"):
        assert found[name][:2] == ["failed", "invalid_input"], found
    assert "hint:" in found["goes.txt"][2]
    assert found["grows.txt"][0] == "completed"
    notes = stack.value("SELECT notes::text FROM extracted_metadata m JOIN cloud_files f ON f.id = m.file_id "
                        "WHERE f.name = 'grows.txt'")
    assert "file.changed_since_listing" in notes


@pytest.mark.parametrize("source", ["root://in/../etc", "root://nowhere/", "/etc", "ftp://x/y", ""])
def test_sources_that_are_no_folder_below_a_root_are_refused(started, source):
    stack, _ = started
    done = stack.cli("run", "create", "--source", source, code=None)
    assert done.returncode in (1, 2, 3) and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "hint:" in done.stderr, done.stderr
    assert stack.value("SELECT count(*) FROM runs") == 0
