//! Work that takes a while, asked for by its number.

use super::call::Call;
use super::envelope::{Data, Refusal};

pub fn show(call: &Call) -> Result<Data, Refusal> {
    let id = call.ids.first().copied().unwrap_or_default();
    let polls = call.world.options().task_polls;
    let task = call.world.tasks().poll(id, polls);
    task.map(Data::Json).ok_or_else(|| Refusal::argument("task_id", "任务不存在"))
}
