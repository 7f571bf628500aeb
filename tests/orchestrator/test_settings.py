"""The worker's name decides whose lanes a restarted process may take at once."""

from munshi_orchestrator.settings import OrchestratorSettings


def test_a_restart_on_the_same_port_bears_the_same_name() -> None:
    assert OrchestratorSettings(port=8003).worker_name == OrchestratorSettings(port=8003).worker_name
    assert OrchestratorSettings(port=8003).worker_name != OrchestratorSettings(port=8004).worker_name


def test_without_a_port_or_name_of_its_own_nobody_is_taken_for_a_predecessor() -> None:
    one, two = OrchestratorSettings(port=0), OrchestratorSettings(port=0)
    assert one.worker_name == str(one.worker_name)
    assert one.worker_name != two.worker_name


def test_a_given_name_stands() -> None:
    assert OrchestratorSettings(port=0, worker="pod-7").worker_name == "pod-7"
