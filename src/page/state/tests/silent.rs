use protocol::Stage;

use super::campaign::update;
use super::*;

#[test]
fn a_worker_that_says_nothing_is_replaced_when_the_user_says_so() {
    let (mut page, id, _) = Page::begun("");
    page.tell(id, update(id, Stage::Running, 4));
    page.act(Action::WorkerSilent);
    assert!(page.state.worker_silent);
    page.tell(id, update(id, Stage::Running, 8));
    assert!(!page.state.worker_silent, "it was slow");
    page.act(Action::WorkerSilent);
    page.act(Action::WorkerDied("it did not answer".into()));
    assert!(!page.state.worker_silent && !page.state.awaits_worker());
    let told = "The worker that computes has stopped (it did not answer); a new one was started. The campaign has ended with it: \
                the rates and charts of its 8 faults stay on the page, their records are gone. “Start campaign” makes the same \
                faults again, from the same seed.";
    assert_eq!(page.notices(), [told]);
    page.act(Action::WorkerSilent);
    assert!(!page.state.worker_silent, "nothing is owed");
}
