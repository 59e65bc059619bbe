"""What `pip install .` brings along."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile

from testing import ROOT


def test_the_wheel_holds_the_scripts_and_the_whole_library_and_what_it_installs_runs(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    scripts = {script.name for script in ROOT.glob("netsky_*.py")}
    for name in ("pyproject.toml", "README.md", "LICENSE", *scripts):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "lib", source / "lib", ignore=shutil.ignore_patterns("*.egg-info"))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(tmp_path), str(source)], check=True, timeout=120)
    [wheel] = tmp_path.glob("netsky-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    library = {str(file.relative_to(ROOT / "lib")) for file in (ROOT / "lib").rglob("*.py")}
    pages = {
        str(f.relative_to(ROOT / "lib")) for f in (ROOT / "lib/netsky/page/templates").iterdir()
    }
    assert scripts
    assert pages <= held
    assert library | scripts | {"netsky/py.typed"} <= held
    installed = install(wheel, tmp_path / "there")
    libraries = sysconfig.get_path("purelib", vars={"base": str(installed)})
    done = subprocess.run(
        [installed / "bin/netsky-probe", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": libraries},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--library" in done.stdout


def install(wheel, prefix):
    options = ["-q", "--no-deps", "--no-index", "--ignore-installed", "--prefix", str(prefix)]
    command = [sys.executable, "-m", "pip", "install", *options, "--disable-pip-version-check"]
    subprocess.run([*command, str(wheel)], check=True, timeout=120)
    return prefix


def test_each_script_is_a_command_once_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    scripts = [script.stem for script in sorted(ROOT.glob("netsky_*.py"))]
    assert project["scripts"] == {script.replace("_", "-"): f"{script}:main" for script in scripts}
