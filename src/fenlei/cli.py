"""The command line: ``fenlei <verb>``. Verbs are thin; the work is in the packages below.

Exit codes: 0 done, 1 the answer is no, 2 wrong use.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import typer

from features.errors import FenleiError
from features.policy import use_policies
from fenlei.bench.verbs import bench
from fenlei.terminal import error
from fenlei.verbs import card as card_verbs
from fenlei.verbs import confirm as confirm_verbs
from fenlei.verbs import correct as correct_verbs
from fenlei.verbs import data as data_verbs
from fenlei.verbs import demo
from fenlei.verbs import explain as explain_verb
from fenlei.verbs import learn as learn_verbs
from fenlei.verbs import maps as map_verbs
from fenlei.verbs import month as month_verbs
from fenlei.verbs import outlook as outlook_verb
from fenlei.verbs import override as override_verbs
from fenlei.verbs import plan as plan_verbs
from fenlei.verbs import policy as policy_verbs
from fenlei.verbs import remedies as remedy_verbs
from fenlei.verbs import results as result_verbs
from fenlei.verbs import serve as serve_verbs
from fenlei.verbs import shadow as shadow_verb
from fenlei.verbs import sign as sign_verbs
from fenlei.verbs import warn as warn_verbs

app = typer.Typer(
    name="fenlei",
    help="Enterprise credit risk classification 企业信用风险分类.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def common(
    policies: Annotated[
        Path | None,
        typer.Option(help="Folder of a place's own policies, looked through first; or FENLEI_POLICIES."),
    ] = None,
) -> None:
    """Enterprise credit risk classification 企业信用风险分类."""
    if policies is not None:
        use_policies(policies)


data_verbs.add_to(app)
map_verbs.add_to(app)
learn_verbs.add_to(app)
sign_verbs.add_to(app)
override_verbs.add_to(app)
confirm_verbs.add_to(app)
remedy_verbs.add_to(app)
policy_verbs.add_to(app)
card_verbs.add_to(app)
serve_verbs.add_to(app)
shadow_verb.add_to(app)
month_verbs.add_to(app)
explain_verb.add_to(app)
plan_verbs.add_to(app)
warn_verbs.add_to(app)
outlook_verb.add_to(app)
correct_verbs.add_to(app)
result_verbs.add_to(app)
demo.add_to(app)
app.add_typer(bench, name="bench")


def main() -> None:
    """Run the command line; an error the user can mend is one message and exit code 2.

    A file or disk that fails midway is one too, and so is MLflow; exit code 1 is never anything but a no.
    """
    try:
        app()
    except FenleiError as err:
        error(str(err))
        sys.exit(2)
    except BrokenPipeError:
        raise  # whoever read the output has gone: nobody to tell
    except OSError as err:
        names = " -> ".join(str(name) for name in (err.filename, err.filename2) if name is not None)
        error(f"{names}: {err.strerror or err}" if names else str(err))
        sys.exit(2)
    except Exception as err:
        if (said := _of_mlflow(err)) is None:
            raise
        error(said)
        sys.exit(2)


def _of_mlflow(err: Exception) -> str | None:
    """Return what to say of an error that is MLflow's own, such as that of a server that died midway; None: not its."""
    loaded = sys.modules.get("mlflow.exceptions")  # most verbs never import it, which takes a second
    if loaded is None or not isinstance(err, loaded.MlflowException):
        return None
    from models.tracking.reach import fault
    from models.tracking.store import Store

    return fault(Store.from_env(), err)
