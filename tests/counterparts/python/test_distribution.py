"""What ships beside the program is read by those that it is for: bash, lexgrog and man."""

import subprocess

from sandbox import flowbind


def bash(script, *words):
    return subprocess.run(["bash", "--norc", "-c", script, *words], capture_output=True, text=True)


def completed(script, *words):
    """What bash offers for the last of these words."""
    line = " ".join(f"'{word}'" for word in words)
    ask = f'source "$0"; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _flowbind flowbind "${{COMP_WORDS[-1]}}" "${{COMP_WORDS[-2]}}"; printf "%s\\n" "${{COMPREPLY[@]}}"'
    return bash(ask, script).stdout.split()


def test_bash_completes_commands_options_and_values(tmp_path):
    script = tmp_path / "flowbind.bash"
    script.write_text(flowbind("completions", "bash").stdout)
    assert bash('bash -n "$0"', str(script)).returncode == 0
    assert {"plan", "apply", "explain", "lint"} <= set(completed(str(script), "flowbind", ""))
    assert completed(str(script), "flowbind", "ro") == ["rollback"]
    assert "--detailed-exitcode" in completed(str(script), "flowbind", "plan", "--det")
    assert set(completed(str(script), "flowbind", "plan", "--format", "")) == {"human", "json"}


def test_man_shows_every_page_without_a_complaint(tmp_path):
    assert flowbind("man", "--out", str(tmp_path)).returncode == 0
    pages = sorted(tmp_path.iterdir())
    assert {"flowbind.1", "flowbind-apply.1", "flowbind-auth-login.1"} <= {page.name for page in pages}
    for page in pages:
        found = subprocess.run(["lexgrog", page], capture_output=True, text=True)
        assert found.returncode == 0 and f'"{page.stem} - ' in found.stdout, found.stdout
        shown = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, env={"MANWIDTH": "100", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
        assert shown.returncode == 0 and "OPTIONS" in shown.stdout, page
        assert shown.stderr == "", shown.stderr
