//! What is under way: which page is asked for next, and what is made of its answer.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use futures_util::FutureExt;
use serde::Deserialize;
use tokio::task::AbortHandle;

use super::{
    super::{
        decoders::Rows,
        options::listing,
        outage::{Trouble, Verdict},
        sample_pages::{Fetcher, Given, SamplePages},
    },
    Cohort, PATIENCE, Sample, State, Waiting, of_sample,
};
use crate::{
    calls,
    context::Sender,
    error::{Error, Result, Status},
    platform::args::Args,
};

/// The platform's code for an argument that is missing, malformed or out of range.
const BAD_ARGUMENT: i64 = 41001;

impl Cohort {
    /// Starts whatever may be under way now.
    pub(super) fn pump(self: &Arc<Self>, state: &mut State) {
        let now = Instant::now();
        let Some(fetcher) = self.fetcher.get() else { return };
        if state.stopped.is_some() || state.winds_up || state.outage.is_paused(now) {
            return;
        }
        let most = self.settings.concurrency * self.settings.prefetch;
        let left = (self.settings.prefetch / 8).max(1);
        // `behind` is how many samples that are being fetched come before this one.
        let has_room = |held: usize, is_first: bool, behind: usize| {
            held + if is_first { 0 } else { behind.max(1) * left } < most
        };
        let spills = state.spills && fetcher.cache.is_writable();
        let front = state.window.front().map_or(state.next, |sample| sample.place);
        for (behind, place) in state.active.clone().into_iter().enumerate() {
            // Nothing else helps a reader that wants the whole of a sample when there is no disk to put it on.
            let must = place == front && self.settings.whole && !fetcher.cache.is_writable();
            let fits = has_room(state.held, place == front, behind) || must;
            let Some(sample) = state.window.get_mut(place - front) else { continue };
            if (fits || spills)
                && sample.trouble.not_before.is_none_or(|time| time <= now)
                && let Some(walk) = sample.walk.take()
            {
                state.held += 1;
                if let Err(error) = self.fetch(sample, walk, !fits) {
                    return self.stop_in(state, error);
                }
            }
        }
        // Before anybody was answered nobody knows whether the arguments are right: that is asked once.
        let at_once =
            if self.settings.skip && state.answered.is_none() { 1 } else { self.settings.concurrency };
        while state.active.len() < at_once {
            let fits = has_room(state.held, state.window.is_empty(), state.active.len());
            let Some(id) = state.samples.get(state.next).filter(|_| fits || spills).cloned() else { return };
            let walk =
                self.settings.of_sample(id.as_deref()).and_then(|args| SamplePages::new(fetcher, args));
            let walk = match walk {
                Ok(walk) => walk,
                Err(error) => return self.stop_in(state, error),
            };
            let mut sample = Sample {
                place: state.next,
                id,
                walk: None,
                pages: VecDeque::new(),
                trouble: Trouble::default(),
                end: None,
                task: None,
            };
            let outcome = self.fetch(&mut sample, walk, !fits);
            state.active.push(sample.place);
            state.window.push_back(sample);
            state.next += 1;
            state.held += 1;
            if let Err(error) = outcome {
                return self.stop_in(state, error);
            }
        }
    }

    fn fetch(self: &Arc<Self>, sample: &mut Sample, mut walk: SamplePages, to_disk: bool) -> Result<()> {
        let (this, place) = (self.clone(), sample.place);
        let (decoders, id) = (self.decoders.clone(), sample.id.clone());
        let read = move |page: &str| {
            let rows = decoders.read(page, id.as_deref())?;
            let number = rows.len();
            Ok((rows, number))
        };
        sample.task = Some(self.spawn(async move {
            let outcome = walk.next(to_disk, read).await;
            this.arrived(place, walk, to_disk, outcome);
            Ok(())
        })?);
        Ok(())
    }

    /// Work in the background; when it fails or breaks off, so does the table.
    pub(super) fn spawn(
        self: &Arc<Self>,
        work: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<AbortHandle> {
        let this = self.clone();
        let work = AssertUnwindSafe(work).catch_unwind();
        let task = async move {
            let outcome = work.await.unwrap_or_else(|_| {
                Err(Error::new(Status::Internal, "a bug in the library: a page's task panicked"))
            });
            if let Err(error) = outcome {
                this.stop(error);
            }
        };
        Ok(self.session.transport().spawn(task)?.abort_handle())
    }

    fn arrived(
        self: &Arc<Self>,
        place: usize,
        walk: SamplePages,
        to_disk: bool,
        outcome: Result<Option<Given<Rows>>>,
    ) {
        let mut state = self.state();
        let first = state.window.front().map_or(0, |sample| sample.place);
        let State { window, held, outage, answered, active, refusal, .. } = &mut *state;
        let Some(sample) = window.get_mut(place.wrapping_sub(first)).filter(|sample| sample.end.is_none())
        else {
            return;
        };
        let now = Instant::now();
        let end = match outcome {
            Ok(page) => {
                if !walk.is_kept() {
                    outage.answered(now);
                }
                sample.trouble = Trouble::default();
                *answered = Some(sample.id.clone());
                match page {
                    Some(Given { stored: Some(stored), .. }) if to_disk => {
                        *held -= 1;
                        sample.pages.push_back(Waiting::OnDisk(stored));
                    }
                    Some(given) => sample.pages.push_back(Waiting::Rows(given.value)),
                    None => *held -= 1,
                }
                walk.is_ended().then_some(Ok(()))
            }
            Err(error) => {
                *held -= 1;
                let error = self.session.explain(self.call(), self.settings.args.tag(), error);
                match outage.failed(now, &error, &mut sample.trouble) {
                    Verdict::Again => None,
                    Verdict::OfSample
                        if answered.is_none() && error.code() == BAD_ARGUMENT && self.settings.skip =>
                    {
                        // The same refusal for another sample: it is not the sample that is wrong.
                        let message = error.message().to_owned();
                        if refusal.replace(message.clone()) == Some(message) {
                            return self.stop_in(&mut state, error);
                        }
                        Some(Err(of_sample(error, sample.id.as_deref())))
                    }
                    Verdict::OfSample => Some(Err(of_sample(error, sample.id.as_deref()))),
                    Verdict::OfAll => return self.stop_in(&mut state, error),
                }
            }
        };
        if end.is_some() {
            active.retain(|other| *other != place);
        }
        match end {
            Some(end) => sample.end = Some(end),
            None => sample.walk = Some(walk),
        }
        self.probe(&mut state);
        self.pump(&mut state);
        drop(state);
        self.changed.notify_all();
    }

    /// When all samples that are left fail, a request for one that was answered before shows whether it is them or the platform.
    fn probe(self: &Arc<Self>, state: &mut State) {
        let State { window, active, outage, answered, probes, .. } = state;
        let first = window.front().map_or(0, |sample| sample.place);
        let mut left = active.iter().filter_map(|place| window.get(place.wrapping_sub(first)));
        let Some(good) = answered.as_ref() else { return };
        if *probes || !outage.is_on() || !left.all(|sample| sample.trouble.is_on() && sample.id != *good) {
            return;
        }
        let Ok(mut args) = self.settings.of_sample(good.as_deref()) else { return };
        if self.settings.endpoint.arg("limit").is_some()
            && let Ok(one) = serde_json::value::to_raw_value(&1)
        {
            args.set("limit", one);
        }
        let mut context = self.session.transport().context(Sender::Streaming);
        context.pace = self.settings.pace.clone();
        let this = self.clone();
        let probing = self.spawn(async move {
            let outcome = calls::carry_out(&this.session, context, this.settings.endpoint, &args).await;
            let mut state = this.state();
            state.probes = false;
            if outcome.is_ok() {
                state.outage.answered(Instant::now());
            }
            Ok(())
        });
        *probes = probing.is_ok();
    }

    /// Lists the samples that `get_samples` gives.
    pub(super) async fn list(self: Arc<Self>, fetcher: Fetcher, filters: Args) -> Result<()> {
        #[derive(Deserialize)]
        struct Page {
            result: Vec<Listed>,
        }
        #[derive(Deserialize)]
        struct Listed {
            biosample_id: String,
        }
        let fetcher = Fetcher { endpoint: listing()?, ..fetcher };
        let call = fetcher.endpoint.name;
        let mut walk = SamplePages::new(&fetcher, filters)?;
        let read = |page: &str| {
            let page: Page = serde_json::from_str(page).map_err(|cause| {
                let error =
                    Error::new(Status::Protocol, "the list of samples has one without a biosample_id");
                error.with_cause(crate::options::place(&cause))
            })?;
            let ids: Vec<_> = page.result.into_iter().map(|sample| Some(sample.biosample_id)).collect();
            let number = ids.len() as u64;
            Ok((ids, number))
        };
        let mut trouble = Trouble::default();
        while !walk.is_ended() {
            let page = match walk.next(false, read).await {
                Ok(page) => page,
                Err(error) => {
                    let error = self.session.explain(call, self.settings.args.tag(), error);
                    let verdict = self.state().outage.failed(Instant::now(), &error, &mut trouble);
                    let Verdict::Again = verdict else { return Err(error) };
                    tokio::time::sleep(PATIENCE * 2).await;
                    continue;
                }
            };
            let mut state = self.state();
            state.samples.extend(page.into_iter().flat_map(|page| page.value));
            self.samples.store(state.samples.len() as u64, Ordering::Relaxed);
            self.pump(&mut state);
        }
        self.state().listed = true;
        self.changed.notify_all();
        Ok(())
    }
}
