"""A Slurm of one node, for one test: munged, slurmctld and slurmd of Debian's packages, as the test's own user."""
import getpass
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import time

CONFIGURATION = """
ClusterName=bge
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=3
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=1,sched_interval=2,sched_min_interval=200000
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
Licenses=bge:50
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=8000 State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Slurm:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        host = socket.gethostname().split(".")[0]
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        self.configuration = self.folder / "slurm.conf"
        text = CONFIGURATION.format(folder=self.folder, host=host, user=getpass.getuser(), ports=free_ports(2))
        self.configuration.write_text(text)
        self.environment = dict(os.environ, SLURM_CONF=str(self.configuration))
        # a program that takes Slurm's variables out of a job's environment finds its cluster all the same
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        srun = self.programs / "srun"
        srun.write_text(f"#!/bin/sh\nSLURM_CONF={self.configuration} exec {shutil.which('srun')} \"$@\"\n")
        srun.chmod(0o755)
        path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
        self.running = []
        munge = [f"--{name}={self.folder}/munge.{ending}" for name, ending in
                 (("socket", "socket"), ("key-file", "key"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))]
        for command in (
            ["munged", "--foreground", "--force", "--num-threads=4", *munge],
            ["slurmctld", "-D", "-c", "-f", self.configuration],
            ["slurmd", "-D", "-N", host, "-f", self.configuration],
        ):
            program = shutil.which(command[0], path=path)
            assert program, f"{command[0]} is missing: BGE_TEST_LONG=1 scripts/deps.sh installs it"
            with open(self.folder / f"{command[0]}.out", "w") as out:
                process = subprocess.Popen([program, *command[1:]], env=self.environment, stdout=out, stderr=out)
            self.running.append(process)
            if command[0] == "munged":
                self.wait(lambda: (self.folder / "munge.socket").exists(), "munged")
        self.wait(lambda: "idle" in self("sinfo", "-h", "-o", "%T", check=False), "the node")

    def wait(self, ready, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < deadline, (what, self.logs())
            time.sleep(0.2)

    def logs(self):
        return "\n".join(f"{path}:\n{path.read_text()[-2000:]}" for path in self.folder.glob("*.[lo][ou][gt]"))

    def __call__(self, *command, check=True, **environment):
        done = subprocess.run(
            list(map(str, command)), env=dict(self.environment, **environment), capture_output=True, text=True, timeout=60
        )
        assert not check or done.returncode == 0, (command, done.stderr)
        return done.stdout

    def jobs(self):
        """(id, state) of every task that is not over."""
        lines = self("squeue", "-h", "-r", "-o", "%i %T").splitlines()
        return [tuple(line.split()) for line in lines]

    def resume(self, node):
        """Brings a node back that was set down; it may have come back by itself, and is not to be resumed then."""
        def is_up():
            self("scontrol", "update", f"nodename={node}", "state=resume", check=False)
            state = self("sinfo", "-h", "-n", node, "-o", "%T", check=False)
            return state != "" and "down" not in state
        self.wait(is_up, f"{node}, which was down")

    def close(self):
        self("scancel", "--user", getpass.getuser(), check=False)
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
