"""The commands of the fault matrix: how each is set up, and what must hold when it ended well, badly or not at all."""
import io
import os
import re
import tarfile

from engine_world import LONG, Problem, eventually

PAYLOAD = b"payload of the image\n" * 2000
NONE = ("--network", "none")


def expect(condition, text):
    if not condition:
        raise Problem(text)


class Command:
    """`words` are tare's. `done`: it said that it was carried out (ended with 0, or printed the id)."""

    name, words = "", ()
    ends_with = (0,)    # when it is done
    nets = False        # needs a network
    in_monitor = False  # the faults meet the monitor of `mine` and what that starts
    quiet_ms = 50       # so long nothing is called when all is done

    def words_in(self, world):
        """{mine} is its id."""
        return [world.field("mine", "{{.Id}}") if w == "{mine}" else w for w in self.words]

    def monitor(self, world):
        return str(world.state("mine")["monitor"]["pid"])

    def before(self, world):
        pass

    def after(self, world, done):
        pass


class Named(Command):
    """About one container, `mine`."""

    def __init__(self, name, words, setup, holds, **more):
        self.name, self.words, self.setup, self.holds = name, words, setup, holds
        for key, value in more.items():
            setattr(self, key, value)

    def before(self, world):
        for step in self.setup:
            if callable(step):
                step(world)
            else:
                world.must(*step)

    def after(self, world, done):
        self.holds(world, done)


def whole(world, ref="mine"):
    """If it is there, all can be done with it."""
    status = world.status(ref)
    if status is None:
        return None
    if status == "restarting":
        return status
    if status == "paused":
        world.must("unpause", ref)
    if status != "running":
        world.must("start", ref)
        expect(world.status(ref) in ("running", "exited"), f"{ref} was started, and is {world.status(ref)}")
    if world.status(ref) == "running" and "sleep" in world.field(ref, "{{.Config.Cmd}}"):
        world.must("exec", ref, "true")
    world.must("stop", "-t", "0", ref)
    expect(world.status(ref) in ("exited", None), f"{ref} was stopped, and is {world.status(ref)}")
    return status


def removed(world, ref="mine"):
    """Its name is free."""
    expect(world.status(ref) is None, f"{ref} is still there")
    world.must("create", "--name", ref, *NONE, "busybox", "true")


def there(*statuses):
    """It must be there; when the command said it was done, in one of the states; and usable in any case."""

    def holds(world, done):
        status = world.status("mine")
        expect(status is not None, "mine is gone")
        # the container's own process may be what was killed, or what runs it
        expect(not done or status in statuses or (world.struck and status == "exited"), f"it was said to be done, and mine is {status}")
        whole(world)

    return holds


def made(world, done):
    status = whole(world)
    expect(status or not done, "it was said to be made, and is not there")
    if not status:
        removed(world)


def ran(world, done):
    """`run --rm`: nothing stays, but the caller isn't always who cleans up."""
    if done:
        expect(not eventually(LONG, lambda: world.status("mine")), "mine is still there")
    if world.status("mine"):
        world.must("rm", "-f", "mine")
    removed(world)


def gone(world, done):
    expect(not done or world.status("mine") is None, "it was said to be removed, and is there")
    if whole(world) is None:
        removed(world)


def renamed(world, done):
    names = [name for name in ("mine", "other") if world.status(name)]
    expect(len(names) == 1, f"it has the names {names}")
    expect(not done or names == ["other"], "it was said to be renamed, and has the old name")
    whole(world, names[0])
    for name in {"mine", "other"} - set(names):
        removed(world, name)


def image_whole(world, done, *reference):
    """All of it is there, or nothing."""
    for name in reference:
        done_ps = world.tare("image", "inspect", name)
        if done_ps.returncode == 0:
            content = world.tare("run", "--rm", *NONE, name, "cat", "/payload")
            expect(content.returncode == 0, f"image {name}: {content.stderr.decode(errors='replace')[-300:]}")
            expect(content.stdout == PAYLOAD, f"image {name}: its file is not whole")
        else:
            expect(not done, f"image {name} was said to be there: {done_ps.stderr.decode(errors='replace')[-300:]}")


class Import(Command):
    name, words = "import", ("import", "-q", "files/root.tar", "img:1")

    def before(self, world):
        make_root(world)

    def after(self, world, done):
        image_whole(world, done, "img:1")
        world.must(*self.words)
        image_whole(world, True, "img:1")


class Load(Command):
    name, words = "load", ("load", "-q", "-i", "files/img.tar")

    def before(self, world):
        make_root(world)
        path = f"{world.dir}/files/img.tar"
        if not os.path.exists(path):
            world.must("import", "-q", "files/root.tar", "loaded:1")
            world.must("save", "-o", "files/img.tar", "loaded:1")
            world.must("rmi", "loaded:1")
            world.must("image", "prune", "-f")

    def after(self, world, done):
        image_whole(world, done, "loaded:1")
        world.must(*self.words)
        image_whole(world, True, "loaded:1")


class Commit(Command):
    name, words = "commit", ("commit", "mine", "img:2")

    def before(self, world):
        make_root(world)
        world.must("create", "--name", "mine", *NONE, "busybox", "true")
        world.must("cp", "files/payload", "mine:/payload")

    def after(self, world, done):
        image_whole(world, done, "img:2")
        expect(whole(world), "mine is gone")
        world.must(*self.words)
        image_whole(world, True, "img:2")


class CopyIn(Command):
    name, words = "cp", ("cp", "files/payload", "mine:/payload")

    def before(self, world):
        make_root(world)
        world.must("create", "--name", "mine", *NONE, "busybox", "true")

    def after(self, world, done):
        def check():
            path = f"{world.dir}/root/containers/{world.field('mine', '{{.Id}}')}/upper/payload"
            with open(path, "rb") as f:
                expect(f.read() == PAYLOAD, "the copied file is not whole")

        expect(world.status("mine"), "mine is gone")
        if done:
            check()
        whole(world)
        world.must(*self.words)
        check()


class Fresh(Command):
    """The first command ever, in a store that isn't there yet."""

    name, words = "first-run", ("run", "--rm", *NONE, "busybox", "true")
    fresh = True


def make_root(world):
    path = f"{world.dir}/files/root.tar"
    if os.path.exists(path):
        return
    with open(f"{world.dir}/files/payload", "wb") as f:
        f.write(PAYLOAD)
    with tarfile.open(path, "w") as tar, tarfile.open(f"{world.build}/images/busybox.tar") as source:
        tar.add(f"{world.dir}/files/payload", "payload")
        binary = io.BytesIO(world.tare("run", "--rm", *NONE, "busybox", "cat", "/bin/busybox").stdout)
        info = tarfile.TarInfo("bin/busybox")
        info.size, info.mode = len(binary.getvalue()), 0o755
        tar.addfile(info, binary)
        for link in ("cat", "sh", "true"):
            info = tarfile.TarInfo(f"bin/{link}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)
        del source


def volume_made(world, done):
    listed = "v" in world.must("volume", "ls", "-q").split()
    expect(listed or not done, "the volume was said to be there")
    world.must("run", "--rm", *NONE, "-v", "v:/v", "busybox", "touch", "/v/x")
    world.must("volume", "rm", "v")


def volume_gone(world, done):
    path = f"{world.dir}/root/volumes/v/data/x"
    listed = "v" in world.must("volume", "ls", "-q").split()
    expect(not (listed and done), "the volume was said to be gone")
    if listed:
        expect(os.path.exists(path), "the volume lost its data")
    world.must("run", "--rm", *NONE, "-v", "v:/v", "busybox", "sh", "-c", "test -e /v/x" if listed else "test ! -e /v/x")


def network_made(world, done):
    listed = "n" in world.must("network", "ls", "--format", "{{.Name}}").split()
    expect(listed or not done, "the network was said to be there")
    if not listed:
        world.must("network", "create", "n")
    world.must("run", "--rm", "--network", "n", "busybox", "true")
    world.must("network", "rm", "n")


def network_gone(world, done):
    listed = "n" in world.must("network", "ls", "--format", "{{.Name}}").split()
    expect(not (listed and done), "the network was said to be gone")
    if not listed:
        world.must("network", "create", "n")
    world.must("run", "--rm", "--network", "n", "busybox", "true")
    world.must("network", "rm", "n")


def connected(world, done):
    there("running")(world, done)
    world.must("rm", "-f", "mine")
    world.must("network", "rm", "n")


def networked(world, done):
    made(world, done)
    if world.status("mine"):
        world.must("rm", "-f", "mine")
    world.must("run", "--rm", "-p", "127.0.0.1:8123:80", "busybox", "true")


def updated(world, done):
    memory = world.field("mine", "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}")
    expect(memory in (f"{64 << 20} on-failure", "0 no") or not done, f"half of the limits and the policy are changed: {memory}")
    expect(not done or memory == f"{64 << 20} on-failure", f"it was said to be changed, and is {memory}")
    there("running")(world, done)


def tagged(old, new):
    """The image has one of the names, or both; the one it had stays unless it was to go."""

    def holds(world, done):
        image_whole(world, done and new is not None, *filter(None, (new,)))
        image_whole(world, old is not None, *filter(None, (old,)))
        if new is None:
            gone_now = world.tare("image", "inspect", "img:1").returncode
            expect(gone_now or not done, "the image was said to be removed, and is there")
            if not gone_now:
                image_whole(world, True, "img:1")

    return holds


def import_image(world):
    make_root(world)
    world.must("import", "-q", "files/root.tar", "img:1")


def waited(world, done):
    expect(world.status("mine") == "exited", f"mine is {world.status('mine')}")
    whole(world)
    del done


def probed(world, done):
    there("running")(world, done)


def deaths(world):
    own = world.field("mine", "{{.Id}}")
    with open(f"{world.dir}/state/events", encoding="utf-8") as f:
        return sum('"Action":"die"' in line and own in line for line in f)


def ended(world, done):
    """Once a container's end has been looked at, it has ended, and is not restarting for ever."""
    status = eventually(30, lambda: world.status("mine") if world.status("mine") not in ("exited", None) else None)
    expect(status is None, f"mine is {status}")
    expect(world.status("mine") == "exited", "mine is gone")
    told = eventually(20, lambda: None if deaths(world) == 1 else f"{deaths(world)} times")
    expect(not told or world.failing, f"its end was told {told}")
    whole(world)
    del done


def came_back(world, done):
    """Its policy starts it again, whoever of those who were to do so was killed."""
    status = eventually(60, lambda: "" if world.status("mine") == "running" else world.status("mine") or "gone")
    expect(not status, f"its policy is to start it again, and it is {status}")
    whole(world)
    del done


def dead_host(world):
    """As after a power cut: nothing runs, the state is of another boot."""
    world.strike("monitor", "process")
    path = f"{world.dir}/state/containers/{world.field('mine', '{{.Id}}')}/state.json"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(r'"boot":"[^"]*"', '"boot":"0"', text))
    if os.path.exists(f"{world.dir}/state/booted"):
        os.unlink(f"{world.dir}/state/booted")


def booted(world, done):
    expect(not done or world.status("mine") == "running", f"it was said to be started, and is {world.status('mine')}")
    world.must("start", "--boot")
    # what could not be started was told, once; a boot that was cut short is gone on with
    expect(world.status("mine") == "running" or not world.cut_short, f"after start --boot it is {world.status('mine')}")
    whole(world)


def debris(world):
    """Some of all that `system check --repair` has to mend."""
    world.strike("monitor")
    for path in ("root/containers/" + "1" * 64, "root/containers/.rm-" + "2" * 64, "state/containers/" + "3" * 64, "root/layers/tmp-0123456789abcdef"):
        os.makedirs(f"{world.dir}/{path}")
    os.symlink("0" * 64, f"{world.dir}/root/names/nobody")
    os.unlink(f"{world.dir}/root/names/mine")


SLEEP = ("busybox", "sleep", "1000")
RUNNING = ("run", "-d", "--name", "mine", *NONE, *SLEEP)
CREATED = ("create", "--name", "mine", *NONE, *SLEEP)
PUBLISHED = ("run", "-d", "--name", "mine", "-p", "127.0.0.1:8123:80", *SLEEP)
LASTING = ("run", "-d", "--restart", "always", "--name", "mine", *NONE, *SLEEP)
# It fails whenever somebody has touched /x.
FAILING = ("run", "-d", "--restart", "on-failure:5", "--name", "mine", *NONE, "busybox", "sh", "-c", "until rm /x 2>/dev/null; do sleep 0.02; done; exit 1")
FAIL = ("exec", "mine", "touch", "/x")
PROBED = ("run", "-d", "--health-cmd", "true", "--health-interval", "1h", "--name", "mine", *NONE, *SLEEP)


def struck(*whom):
    return lambda world: world.strike(*whom)


COMMANDS = (
    Named("run", ("run", "--rm", "--name", "mine", *NONE, "busybox", "true"), (), ran),
    Named("run-d", RUNNING, (), made),
    Named("exec", ("exec", "mine", "true"), (RUNNING,), there("running")),
    Named("stop", ("stop", "-t", "0", "mine"), (RUNNING,), there("exited")),
    Named("rm", ("rm", "mine"), (CREATED,), gone),
    Named("rm-f", ("rm", "-f", "mine"), (RUNNING,), gone),
    Import(),
    Load(),
    Named("create", ("create", "--name", "mine", "-v", "/anonymous", *NONE, *SLEEP), (), made),
    Named("start", ("start", "mine"), (CREATED,), there("running")),
    Named("restart", ("restart", "-t", "0", "mine"), (RUNNING,), there("running")),
    Named("kill", ("kill", "mine"), (RUNNING,), there("running", "exited")),
    Named("pause", ("pause", "mine"), (RUNNING,), there("paused")),
    Named("unpause", ("unpause", "mine"), (RUNNING, ("pause", "mine")), there("running")),
    Named("rename", ("rename", "mine", "other"), (CREATED,), renamed),
    Commit(),
    CopyIn(),
    Fresh(),
    Named("volume-create", ("volume", "create", "v"), (), volume_made),
    Named("volume-rm", ("volume", "rm", "v"), (("run", "--rm", *NONE, "-v", "v:/v", "busybox", "touch", "/v/x"),), volume_gone),
    Named("network-create", ("network", "create", "n"), (), network_made, nets=True),
    Named("network-rm", ("network", "rm", "n"), (("network", "create", "n"),), network_gone, nets=True),
    Named("network-connect", ("network", "connect", "n", "mine"), (("network", "create", "n"), ("run", "-d", "--name", "mine", *SLEEP)), connected, nets=True),
    Named("network-disconnect", ("network", "disconnect", "n", "mine"),
          (("network", "create", "n"), ("run", "-d", "--name", "mine", "--network", "n", *SLEEP)), connected, nets=True),
    Named("run-net", PUBLISHED, (), networked, nets=True),
    Named("stop-net", ("stop", "-t", "0", "mine"), (PUBLISHED,), there("exited"), nets=True),
    Named("update", ("update", "--memory", "64m", "--memory-swap", "-1", "--restart", "on-failure", "mine"), (RUNNING,), updated),
    Named("wait", ("wait", "mine"), (("run", "--name", "mine", *NONE, "busybox", "true"),), waited),
    Named("tag", ("tag", "img:1", "img:2"), (import_image,), tagged("img:1", "img:2")),
    Named("rmi", ("rmi", "img:1"), (import_image,), tagged(None, None)),
    Named("probe", ("--internal", "health", "{mine}"), (PROBED,), probed),
    Named("boot", ("start", "--boot"), (LASTING, dead_host), booted, quiet_ms=100),
    Named("adopt", ("exec", "mine", "true"), (RUNNING, struck("monitor")), there("running"), quiet_ms=100),
    Named("cleanup", ("--internal", "cleanup", "{mine}"), (RUNNING, struck("monitor", "process")), ended),
    Named("cleanup-again", ("--internal", "cleanup", "{mine}"), (LASTING, struck("monitor", "process")), came_back, quiet_ms=200),
    Named("cleanup-net", ("--internal", "cleanup", "{mine}"), (PUBLISHED, struck("monitor", "process")), there("exited"), nets=True),
    Named("repair", ("system", "check", "--repair"), (RUNNING, debris), there("running", "exited"), quiet_ms=100),
    Named("monitor-end", ("kill", "mine"), (RUNNING,), ended, in_monitor=True, quiet_ms=150),
    Named("monitor-net", ("kill", "mine"), (PUBLISHED,), ended, in_monitor=True, quiet_ms=150, nets=True),
    Named("monitor-again", FAIL, (FAILING,), came_back, in_monitor=True, quiet_ms=400),
)
