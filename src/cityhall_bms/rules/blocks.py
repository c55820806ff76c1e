"""Many ticks at once: what stepping the engine through a block gives, to the event."""

from cityhall_bms.rules.engine import Engine, EngineState, Proposal, RuleFailure, Step
from cityhall_bms.rules.grid import Block


def run_block(engine: Engine, state: EngineState, block: Block) -> Step:
    """Step through a block; the proposals in order, and the state after the last tick."""
    proposals: list[Proposal] = []
    failures: list[RuleFailure] = []
    for tick, at in enumerate(block.at.tolist()):
        step = engine.step(state, at, block.columns(tick))
        state = step.state
        proposals += step.proposals
        failures += step.failures
    return Step(state, tuple(proposals), tuple(failures))
