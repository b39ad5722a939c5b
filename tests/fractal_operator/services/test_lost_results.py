"""Results without a job, and jobs without their result."""

from support.operator_job_stage import Stage
from support.operator_scenes import on_stage

from fractal_operator.core.lifecycle import State


@on_stage("w1")
async def test_results_without_a_job_are_swept(stage: Stage) -> None:
    first = stage.operators[0]
    stage.submit("a")
    kept = stage.submit("b")
    await stage.ends("a")
    await stage.ends("b")
    first.kill()
    stage.server.remove("a")
    stage.start_operator()
    await stage.until(lambda: stage.store.uids() == {kept}, within_s=70)


@on_stage("w1")
async def test_a_picture_that_is_gone_is_told_of_and_the_job_stays_complete(stage: Stage) -> None:
    uid = stage.submit("a")
    await stage.ends("a")
    stage.store.forget(uid)
    await stage.until(lambda: stage.condition("a", "ResultAvailable").status == "False", within_s=3700)
    assert stage.condition("a", "ResultAvailable").reason == "ResultLost"
    assert stage.state("a") is State.COMPLETE


@on_stage("w1")
async def test_a_record_without_its_picture_is_told_of_too(stage: Stage) -> None:
    uid = stage.submit("a")
    stage.submit("b")
    await stage.ends("a")
    await stage.ends("b")
    del stage.store.values[stage.store.keys(uid).chunk(1, 0)]
    for number in range(1, 20):
        stage.store.values.pop(stage.store.keys(uid).chunk(1, number), None)
    await stage.until(lambda: stage.condition("a", "ResultAvailable").status == "False", within_s=3700)
    assert stage.condition("b", "ResultAvailable").status == "True"
