# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's sequence inside the ansible-playbook process, where that is equivalent to running the module.

It saves packing and starting a module, and shows a person what the module cannot: progress while it waits.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import typing as t
from abc import abstractmethod

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import merge_hash

from ..module_utils._task.arguments import hide_unknown, hide_variables, may_be_no_number, no_number, secrets_in
from ..module_utils._task.front_door import Surroundings, module_needed, pipelining_wanted
from ..module_utils._task.progress import failure_lines

if t.TYPE_CHECKING:
    from ..module_utils._api.client import ControllerClient
    from ..module_utils._job.outcome import Outcome, Result

display = Display()

IN_PROCESS_VARIABLE = "relaunch_controller_in_process"
PROGRESS_VARIABLE = "relaunch_controller_progress"


Write = t.Callable[[str], None]
Act = t.Callable[["ControllerClient"], "Outcome"]


class InProcessAction(ActionBase):
    """What the action plugins share; each says what its module does.

    Both methods import what they need themselves: a task that runs as a module starts sooner without it.
    """

    _supports_check_mode = True
    _supports_async = True

    @abstractmethod
    def specification(self) -> dict[str, t.Any]:
        """What the module's AnsibleModule is made of."""

    @abstractmethod
    def act(self, params: t.Mapping[str, t.Any], write: t.Optional[Write]) -> Act:
        """What the module does, with a client.

        :param params: validated.
        :param write: takes a line of progress; None where nothing is to be shown.
        """

    def run(self, tmp: t.Any = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> Result:
        task_vars = task_vars or {}
        self._host = task_vars.get("inventory_hostname", "localhost")
        result: Result = super().run(tmp, task_vars)
        if any(map(may_be_no_number, self._task.args.values())):
            sentence = no_number(self.specification(), self._task.args)
            if sentence:
                return t.cast("Result", merge_hash(result, {"failed": True, "msg": sentence}))
        surroundings = self._surroundings(task_vars)
        ended = module_needed(surroundings) or self._in_process(task_vars)
        if isinstance(ended, str):
            display.vv(f"{self._task.action} runs as a module: {ended}")
            ended = self._as_module(task_vars, surroundings)
            self._hide_arguments(ended)
        if ended.get("failed") and self._talks(task_vars):
            for line in failure_lines(ended):
                self._write(line)
        return t.cast("Result", merge_hash(result, ended))

    def _surroundings(self, task_vars: dict[str, t.Any]) -> Surroundings:
        there = task_vars
        if self._task.delegate_to:
            # The module would run on the other host, with its variables.
            there = (task_vars.get("ansible_delegated_vars") or {}).get(self._task.delegate_to) or {}
        interpreter = self._templar.template(there.get("ansible_python_interpreter"))
        if interpreter is None:
            configured = C.config.get_config_value("INTERPRETER_PYTHON", variables=there)
            interpreter = configured if "/" in str(configured) else None
        return Surroundings(
            transport=self._connection.transport,
            become=bool(self._connection.become),
            asynchronous=bool(self._task.async_val),
            environment=any(self._task.environment or ()),
            interpreter=interpreter,
            own_interpreter=sys.executable,
            requests=importlib.util.find_spec("requests") is not None,
            wanted=self._flag(task_vars, IN_PROCESS_VARIABLE),
            platform=sys.platform,
        )

    def _in_process(self, task_vars: dict[str, t.Any]) -> t.Union[Result, str]:
        """The sequence in this process; or why the module has to do it after all."""
        from ..module_utils._api.libraries import REQUESTS_IMPORT_ERROR

        if REQUESTS_IMPORT_ERROR is not None:
            return "requests cannot be imported beside ansible-core"
        from ..module_utils._task.result import carry_out

        specification = self.specification()
        validated = ArgumentSpecValidator(specification["argument_spec"]).validate(self._task.args)
        if validated.error_messages or validated._warnings or validated._deprecations:
            return "its arguments need a second look"
        params, hidden = validated.validated_parameters, validated._no_log_values
        # Whether to act at all is decided inside, where a parameter that cannot be used fails the task as it should.
        write = self._write if self._talks(task_vars) else None
        # Where the local connection runs modules, whatever folder ansible-playbook was started in.
        cwd = os.path.realpath(self._loader.get_basedir())

        def act(client: ControllerClient) -> Outcome:
            # What is wrong with the options is told as whatever else fails.
            return self.act(params, write)(client)

        result = carry_out(params, hidden, act, specification, write, cwd)
        if self._injects_invocation(task_vars):
            result["invocation"] = {"module_args": params}
        return t.cast("Result", remove_values(result, hidden))

    def _as_module(self, task_vars: dict[str, t.Any], surroundings: Surroundings) -> Result:
        # Other connections may not have this option.
        if pipelining_wanted(surroundings):
            # Before ansible-core 2.19 it does not tell a variable of the user's from one that Ansible sets itself.
            _value, origin = self._connection.get_option_and_origin("pipelining")
            if origin == "default":
                self._connection.set_option("pipelining", True)
        asynchronous = surroundings.asynchronous and not self._refused()
        result: Result = self._execute_module(task_vars=task_vars, wrap_async=asynchronous)
        if not asynchronous:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _refused(self) -> bool:
        """Whether AnsibleModule will refuse the arguments.

        It shows them as they were given, which is masked behind it, but not where async_status passes it on.
        """
        specification = self.specification()["argument_spec"]
        return bool(ArgumentSpecValidator(specification).validate(self._task.args).error_messages)

    def _hide_arguments(self, ended: Result) -> None:
        """Mask what AnsibleModule shows as it was given, where it refuses the arguments itself."""
        arguments = ended.get("invocation", {}).get("module_args")
        if isinstance(arguments, dict):
            specification = self.specification()
            hide_variables(arguments)
            hide_unknown(specification, arguments)
            ended["invocation"] = remove_values(ended["invocation"], secrets_in(specification, arguments))

    def _injects_invocation(self, task_vars: dict[str, t.Any]) -> bool:
        """Whether a module's result would hold its arguments: always before ansible-core 2.21, since then if asked."""
        try:
            return bool(C.config.get_config_value("INJECT_INVOCATION", variables=task_vars))
        except AnsibleError:
            return True

    def _talks(self, task_vars: dict[str, t.Any]) -> bool:
        return not self._task.no_log and self._flag(task_vars, PROGRESS_VARIABLE)

    def _flag(self, task_vars: dict[str, t.Any], name: str) -> bool:
        return bool(boolean(self._templar.template(task_vars.get(name, True)), strict=False))

    def _write(self, line: str) -> None:
        """On stderr, so that a callback's stdout stays what it is; whole lines, since other hosts write theirs."""
        display.display(f"[{self._host}] {line}", stderr=True)
