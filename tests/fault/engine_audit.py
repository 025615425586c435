"""What of a store is in the kernel and on the disk that belongs to nothing, seen without Tare: what `system check` doesn't
look at, it can't find, so nothing here asks it."""
import json
import os
import re
import socket
import subprocess
import time

from engine_world import ID, LONG, Problem, eventually, start_time

DRAFT_SECONDS = 4  # so long a draft may be somebody's who is at work
VETH = re.compile(r"^ta(?!re)[0-9a-f]{12}")
BRIDGE = re.compile(r"^(tare[0-9a-f]{6}|tr-)")
MEMBER = re.compile(r'comment "([0-9a-f]{12})"')


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def entries(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def records(world):
    """id -> name"""
    found = {}
    for entry in entries(f"{world.dir}/root/containers"):
        text = read(f"{world.dir}/root/containers/{entry}/container.json") if ID.fullmatch(entry) else ""
        if text:
            found[entry] = json.loads(text)["name"]
    return found


def running(world):
    found = set()
    for entry in entries(f"{world.dir}/state/containers"):
        text = read(f"{world.dir}/state/containers/{entry}/state.json")
        process = json.loads(text).get("process") if text else None
        if process and start_time(process["pid"]) == process["startTime"]:
            found.add(entry)
    return found


def leases(world):
    """(id, interface)"""
    for network in entries(f"{world.dir}/state/networks"):
        for line in read(f"{world.dir}/state/networks/{network}/leases").splitlines()[1:]:
            yield tuple(line.split()[:2])


# ---------------------------------------------------------------- what is there of nobody


def left_containers(world, known, alive):
    for entry in entries(f"{world.dir}/root/containers"):
        if entry not in known and not entry.startswith(".damaged-"):
            yield f"containers/{entry}"
    for entry in entries(f"{world.dir}/state/containers"):
        if entry not in known:
            yield f"state of {entry}"
    for entry in entries(f"{world.dir}/root/names"):
        if known.get(os.readlink(f"{world.dir}/root/names/{entry}")) != entry:
            yield f"name {entry}"
    del alive


def left_drafts(world):
    for top, directories, files in os.walk(world.dir):
        for name in [*directories, *files]:
            if name.startswith((".tmp-", "tmp-", ".new-", ".rm-")):
                try:
                    old = os.lstat(f"{top}/{name}").st_ctime + DRAFT_SECONDS < time.time()
                except OSError:
                    continue
                if old:
                    yield f"draft {top}/{name}"
        if re.search(r"/(upper|data|merged|work)$", top) or top.count("/") > world.dir.count("/") + 4:
            directories.clear()


def left_cgroups(world, alive):
    for hierarchy in ("", *entries("/sys/fs/cgroup")):
        top = f"/sys/fs/cgroup/{hierarchy}/tare"
        for entry in entries(top):
            if entry in world.ids and entry not in alive:
                yield f"cgroup {top}/{entry}"
    freezer = f"/sys/fs/cgroup/freezer/tare/{world.alive_id}/freezer.state"
    if read(freezer).strip() not in ("", "THAWED"):
        yield "a bystander is frozen"
    if read(f"/sys/fs/cgroup/unified/tare/{world.alive_id}/cgroup.freeze").strip() == "1":
        yield "a bystander is frozen (v2)"


def left_processes(world, alive):
    """Processes in a cgroup of a container that doesn't run, and monitors of such ones."""
    group = re.compile(r"/tare/([0-9a-f]{64})")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        of = {i for i in group.findall(read(f"/proc/{pid}/cgroup")) if i in world.ids}
        words = read(f"/proc/{pid}/cmdline").split("\0")
        if words[0] == "tare-monitor" and f"{world.dir}/root" in words:
            of.add(words[1])
        if of - alive and start_time(int(pid)):
            yield f"process {pid} ({' '.join(words)[:60]}) of {min(of)[:12]}"


def left_links(world, alive):
    owned = {interface for owner, interface in leases(world) if owner in alive}
    bridges = {json.loads(read(f"{world.dir}/root/networks/{n}") or "{}").get("link") for n in entries(f"{world.dir}/root/networks")}
    for _, name in socket.if_nameindex():
        if name in world.links:  # of a world before this one
            continue
        if (VETH.match(name) and name not in owned) or (BRIDGE.match(name) and name not in bridges):
            yield f"interface {name}"


def left_leases(world, alive):
    for owner, interface in leases(world):
        if owner not in alive:
            yield f"lease of {owner[:12]} ({interface})"


def left_elements(alive):
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    for owner in sorted(set(MEMBER.findall(rules)) - {i[:12] for i in alive}):
        yield f"firewall elements of {owner}"


def left(world, nets):
    known, alive = records(world), running(world)
    world.ids |= set(known) | alive
    restarting = {i for i in known if "restartDue" in read(f"{world.dir}/state/containers/{i}/state.json")}
    found = [*left_containers(world, known, alive), *left_drafts(world), *left_cgroups(world, alive | restarting),
             *left_processes(world, alive | restarting), *left_links(world, alive), *left_leases(world, alive)]
    if nets:
        found += left_elements(alive)
    return found


def found_left(world, nets):
    """A Problem when something is left. What the kernel or a clean-up under way takes gets a moment."""
    found = eventually(LONG, lambda: left(world, nets))
    if found:
        raise Problem(f"left, and `system check` doesn't say so: {sorted(found)[:6]}")
