"""Which instruction set the loops use: the processor's widest, or the one that was asked for."""

import pytest
from support.grid_pictures import definition

from fractal_kernel.escape import _grid
from fractal_kernel.escape.grid import Grid
from fractal_kernel.escape.instructions import Instructions, InstructionsMissing, available, built, instruction_set


@pytest.mark.parametrize("instructions", available())
def test_the_user_can_ask_for_any_that_the_processor_has(
    instructions: Instructions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRACTAL_INSTRUCTIONS", instructions)
    assert instruction_set() is instructions


@pytest.mark.parametrize("unset", [True, False], ids=["unset", "empty"])
def test_who_asks_for_none_gets_the_widest(unset: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if unset:
        monkeypatch.delenv("FRACTAL_INSTRUCTIONS", raising=False)
    else:
        monkeypatch.setenv("FRACTAL_INSTRUCTIONS", "")
    assert instruction_set() is available()[-1]


def test_instructions_that_there_are_not_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRACTAL_INSTRUCTIONS", "avx9000")
    with pytest.raises(InstructionsMissing, match=f"^FRACTAL_INSTRUCTIONS must be {built()[0]}.* not avx9000$"):
        instruction_set()


def test_a_processor_without_more_takes_the_first_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_grid, "has", lambda number: number == 0)
    assert instruction_set() is built()[0]
    for instructions in Instructions:
        if instructions is not built()[0]:
            with pytest.raises(InstructionsMissing, match=f"no instructions called {instructions}"):
                Grid(definition(), instructions)


def test_only_the_first_set_can_call_the_c_library() -> None:
    assert not any(instructions.calls_libm for instructions in built()[1:])
