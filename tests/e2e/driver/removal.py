"""What is left when the release goes, and how everything goes: as docs/installation.md tells."""

from cluster import KINDS, SYSTEM
from leaders import works
from waiting import Unmet, check, until
from world import ROOT, SELECTOR, World


def everything(world: World) -> dict[str, list[str]]:
    """The objects of our kinds by name."""
    named = {}
    for kind in KINDS:
        there = world.cluster.list(kind, None)
        named[kind] = sorted(f"{one['metadata'].get('namespace')}/{one['metadata']['name']}" for one in there)
    return named


def uninstall(world: World) -> None:
    """helm uninstall leaves definitions, objects and Secrets; a release of the same name takes them up again"""
    cluster, before = world.cluster, everything(world)
    held = {name: cluster.values("shop", name) for name in ("shop", "lent", "stays", "loop")}
    cluster.helm("uninstall", "lakevault", "--namespace", SYSTEM)

    def no_pods() -> None:
        if pods := cluster.list("pods", SYSTEM, SELECTOR):
            raise Unmet(f"there are {len(pods)} pods")

    until("the end of the operator's pods", no_pods)
    check(everything(world) == before, f"there were {before}, and are {everything(world)}")
    for name, values in held.items():
        check(cluster.values("shop", name) == values, f"Secret {name} has changed")
    world.install()
    works(world, "installed-again")
    check(everything(world) == before, "the new release has not the same objects")


def commands() -> list[str]:
    """What the documentation tells whoever wants to remove everything."""
    page = (ROOT / "docs" / "installation.md").read_text()
    block = page.split("To remove everything")[1].split("```sh\n")[1].split("```")[0]
    return [line for line in block.splitlines() if line]


def everything_goes(world: World) -> None:
    """the documented way to remove everything: nothing hangs, merged keys are taken back, Secrets that are to stay do"""
    cluster = world.cluster
    for command in commands():
        cluster.run("bash", "-euc", command)
    crds = [crd["metadata"]["name"] for crd in cluster.list("customresourcedefinitions", None)]
    check(not any(name.endswith(".lakevault.dev") for name in crds), f"there still are {crds}")
    check(cluster.values("shop", "stays") == {"K": "planted-value-kept"}, "the Secret that is to stay has changed")
    check(cluster.values("demo", "mailer") == {"SMTP_USER": "mailer@example.com"}, "merged keys are still there")
    for name in ("shop", "lent", "loop"):
        cluster.gone("secrets", "shop", name)
    # Nothing of ours keeps a namespace from its end.
    cluster.kubectl("delete", "namespace", "shop", "demo", "platform", "--timeout=180s")
