//! `faultscope campaign`: many faults over labelled images.

pub mod arguments;
mod bad_images;
pub mod config_file;
mod error_bits;
mod protect;
mod replay;
mod rounds;
mod shard;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Instant;

use facts::limits;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

pub use self::arguments::Arguments;
use super::crew::{Crew, SharedSource};
use super::data::Files;
use super::directory::{self, Begun, Directory};
use super::exit::Exit;
use super::failure::Failure;
use super::journal::Replay;
use super::open::{self, ModelFile};
use super::output::{self, counted, name, print, thousands};
use super::progress::Progress;
use super::read;
use super::write::sha256;
use super::{data, report};
use crate::answer::Answer;
use crate::campaign::compared::Timed;
use crate::campaign::{
    self, Budget, CampaignConfig, CampaignEvent, Course, Images, Lab, ModelSource, NumberFormats, Piloting, Plan,
    Position, Provenance, Runner, SampleSource, Steps, Summary, Tallies, Work, measure_times,
};
use crate::data::{DataSource, ImageSource as _, Sample};
use crate::exec::{Footprint, SITE};
use crate::labels;
use crate::model::Model;
use crate::outcome::Outcome;
use crate::platform::DeviceChoice;
use crate::{Error, Result};

/// Runs the command.
///
/// `words` are the words of the command line that `arguments` were made from.
pub fn run(arguments: Arguments, words: &[OsString]) -> Result<Exit, Failure> {
    let arguments = match &arguments.config {
        Some(path) => config_file::expand(path, words)?,
        None => arguments,
    };
    arguments.run.model.memory.allow();
    let (_, _, out) = arguments.places()?;
    let goes_back = arguments.resume || arguments.replay.is_some();
    if goes_back { directory::check_files(out) } else { directory::check_free(out) }?;
    let begun = if goes_back && directory::is_begun(out) { Some(Begun::read(out)?) } else { None };
    if arguments.replay.is_some() && begun.is_none() {
        return Err(Error::input(
            out.display().to_string(),
            "there is no campaign whose faults --replay could make again",
        )
        .into());
    }
    let interrupted = interruption()?;
    let campaign = Campaign::prepare(&arguments, begun.as_ref(), &interrupted)?;
    if let (Some(fault), Some(begun)) = (arguments.replay, &begun) {
        replay::replay(&campaign, begun, out, fault, arguments.trace)?;
        return Ok(Exit::Done);
    }
    let timed = campaign.time()?;
    let summary = if begun.is_some() {
        campaign.resume(out, &interrupted)?
    } else {
        campaign.check_images(0)?;
        campaign.look(&interrupted)?;
        campaign.begin(out, &interrupted)?
    };
    let shown = out.display();
    print(&format!("{}\n`faultscope report {shown}` breaks this down by bit and layer\n", report::overview(&summary)))?;
    // Times are no results, and have a file of their own: they differ from run to run.
    if let Some(timed) = timed {
        directory::write_times(out, &timed)?;
        eprintln!("the time of an inference under each protection stands in {}", out.join(directory::TIMES).display());
    }
    if summary.complete {
        if let Some(aim) = summary.aim.as_ref().filter(|aim| !aim.reached) {
            eprintln!("notice: {}", aim.missed());
        }
        return Ok(Exit::Done);
    }
    let done = counted(summary.faults.injections, "fault");
    eprintln!("interrupted after {done}; the records are in {shown}; continue with the same command and --resume");
    Ok(Exit::Incomplete)
}

/// A campaign that is ready to begin: model, data and arguments were checked against each other.
struct Campaign {
    lab: Arc<Lab>,
    source: SharedSource,
    /// The images, if each is a file of its own.
    files: Option<Arc<Files>>,
    /// Images that are missing, or have another size, since the campaign began.
    changed: Vec<usize>,
    plan: Arc<Plan>,
    provenance: Provenance,
    device: DeviceChoice,
    jobs: usize,
    /// The limits of each job.
    budget: Budget,
}

impl Campaign {
    /// Prepares the campaign that the arguments describe, or the one that was `begun` to be continued.
    fn prepare(arguments: &Arguments, begun: Option<&Begun>, interrupted: &AtomicBool) -> Result<Self, Failure> {
        let (model, images, out) = arguments.places()?;
        let fault_model = arguments.fault_model()?;
        let shard = arguments.shard.map(|shard| shard.resolve(|name| std::env::var(name).ok())).transpose()?;
        let device = arguments.run.device;
        let wanted = jobs(arguments, device)?;
        let grouping = arguments.grouping.grouping.as_deref().map(open::grouping).transpose()?;
        let file =
            ModelFile::read(model, arguments.run.model.architecture)?.stated_by(arguments.run.answer.statements());
        let (path, sha256) = (file.path.display().to_string(), file.sha256());
        let beside = file.folder();
        let mut model = file.load(&arguments.run.preprocess)?;
        let on_bad_image = bad_images::action(arguments.on_bad_image, begun, out)?;
        let mut config = CampaignConfig {
            model: model.card.name.clone(),
            seed: arguments.seed,
            images: arguments.images,
            faults: arguments.faults(model.classes())?,
            fault_model,
            grouping: None,
            protect: None,
            compared: None,
            on_bad_image,
            design: None,
            exhaustive: arguments.design.is_exhaustive(),
            until: arguments.goal.resolve(shard.is_some(), arguments.design.is_exhaustive())?,
            numbers: NumberFormats::default(),
        };
        let stratified = arguments.design.stratified()?;
        config.validate()?;
        if stratified.is_some() {
            config.check_design()?;
        }
        let data = data::open(images, &arguments.reading, &open::classes_of(&model))?;
        if config.fault_model.needs_ranges() {
            config.fault_model.ranges_of = Some(arguments.protect.images(data.source.len()));
        }
        let (data, changed) = bad_images::as_begun(data, begun, on_bad_image, out)?;
        let other_sizing = data.other_sizing(&model);
        model.card.preprocess = Some(data.preprocess(&model)?);
        let mut notices: Vec<String> = model.card.notices.iter().chain(&data.notices).cloned().collect();
        notices.extend(other_sizing);
        if config.fault_model.kind.is_permanent() {
            if stratified.is_some() {
                let problem = "--design stratified draws faults for each image; permanent faults are the same for all";
                return Err(Failure::usage("campaign", problem));
            }
            notices.push(
                "every image has the same permanent faults: the intervals hold for these faults over images, not for all \
                 permanent faults"
                    .to_owned(),
            );
        }
        notices.iter().for_each(|notice| eprintln!("notice: {notice}"));
        let architecture = arguments.run.model.architecture.map(|architecture| architecture.id.to_owned());
        let protected = arguments.protect.is_asked_for();
        let (jobs, budget) = budget(&model, [protected, stratified.is_some()], wanted, arguments.jobs.is_some())?;
        let stated = arguments.run.answer.statements();
        let model_source = ModelSource {
            path,
            architecture,
            output: stated.output.map(|_| model.output().to_owned()),
            input_size: stated.input_size,
            threshold: stated.threshold,
            answer: matches!(model.answer, Answer::Binary { .. }).then(|| model.answer.to_string()),
            classes: Some(model.classes()),
            sha256,
            external: beside.sha256()?,
            preprocess: model.preprocess(),
        };
        config.numbers = arguments.formats.resolve(&arguments.calibration, data.source.len())?;
        let (plain, mut scales) = (model.clone(), Vec::new());
        if !config.numbers.is_float32() {
            let rounded = campaign::rounded(&model, &config.numbers, &data.source, on_bad_image);
            let rounded = pollster::block_on(rounded)?;
            eprintln!("notice: {}", config.numbers);
            (model, scales) = (rounded.model, rounded.scales);
        }
        let lab = open::lab(model, device, grouping)?;
        if let Some(goal) = config.until {
            let judged = goal.check_judged(lab.grouping().is_some());
            judged.map_err(|problem| Failure::usage("campaign", problem.to_string()))?;
        }
        let (images, sample) = match &arguments.sample {
            Some(path) => {
                let (sample, source) = read_sample(path, &data.origin)?;
                (Images::Sample(sample.indices), Some(source))
            }
            None => (Images::All(data.source.len()), None),
        };
        arguments.protect.validate(config.fault_model.ranges_of.is_some())?;
        let mut lab = lab;
        let stated_notices = notices.len();
        if arguments.protect.is_asked_for() {
            if stratified.is_some() {
                let problem = "--design stratified gives each fault a weight, and protections are compared on faults of the same \
                               weight; leave --protect or --design away";
                return Err(Failure::usage("campaign", problem));
            }
            let bare = campaign::plan(&lab, config.clone(), &data.source, images.clone())?;
            let guards =
                arguments.protect.guards(&lab, &bare, &data.source, &arguments.reading, &mut notices, interrupted)?;
            config.compared = Some(guards.compared().clone());
            lab = lab.compared_with(Arc::new(guards));
        }
        notices[stated_notices..].iter().for_each(|notice| eprintln!("notice: {notice}"));
        // Faults strike before the protection. The CPU finds the same ranges on every machine.
        let golden_ranges = match config.fault_model.ranges_of {
            None => Vec::new(),
            Some(count) => {
                let bare = Lab::cpu(lab.model().clone())?;
                let learnt = campaign::learn_ranges_of(&bare, &data.source, count, on_bad_image);
                pollster::block_on(learnt)?.by_tensor(bare.executor().graph())
            }
        };
        let mut plan = campaign::plan(&lab, config, &data.source, images)?;
        if plan.config().exhaustive {
            check_exhaustive(&plan, arguments.goal.max_faults())?;
        }
        if plan.config().fault_model.needs_ranges() {
            plan = plan.with_ranges(&golden_ranges)?;
        }
        if let Some(candidates) = stratified {
            let stopped = || interrupted.load(Ordering::Relaxed);
            plan = pollster::block_on(campaign::stratify(&lab, plan, &data.source, candidates, budget, stopped))
                .map_err(|error| Failure::before_records(error, interrupted))?;
            if let Some(notice) = Piloting::unscored(&lab) {
                eprintln!("notice: {notice}");
                notices.push(notice);
            }
        }
        // Every shard states the accuracy over the images of the whole campaign.
        let rounded = match plan.config().numbers.is_float32() {
            true => None,
            false => {
                let plain = Lab::cpu(plain)?;
                pollster::block_on(campaign::accuracy_beside(&plain, &lab, &data.source, &plan, budget))?
            }
        };
        if let Some(notice) = error_bits::notice(&plan, &data.source) {
            eprintln!("notice: {notice}");
            notices.push(notice);
        }
        if let Some(shard) = shard {
            plan = plan.shard(shard)?;
        }
        let provenance = Provenance {
            faultscope: env!("CARGO_PKG_VERSION").to_owned(),
            campaign: plan.config().clone(),
            model: model_source,
            data: data.origin,
            sample,
            shard,
            device: name(&device),
            grouping: lab.grouping().cloned(),
            labels: labels::names_of_classes(&lab.model().card.labels, lab.grouping()),
            layers: plan.layers(),
            ranges: lab.tensor_ranges(),
            golden_ranges,
            scales,
            rounded,
            notices,
        };
        let (lab, plan, files) = (Arc::new(lab), Arc::new(plan), data.files);
        Ok(Self { lab, source: data.source, files, changed, plan, provenance, device, jobs, budget })
    }

    fn tallies(&self) -> Tallies {
        let grouping = self.lab.grouping().cloned();
        Tallies::new(self.plan.config().clone(), self.plan.layers(), grouping).about(&self.provenance)
    }

    /// Measures the time of an inference under the protections; `None` if none is computed in an inference.
    fn time(&self) -> Result<Option<Timed>> {
        if self.lab.guards().is_none() {
            return Ok(None);
        }
        let model = self.lab.model();
        let input = |index| model.preprocess().apply(&self.source.image(index)?, model.input_shape());
        // An image that cannot be read is reported in its turn.
        let Some(Ok(input)) = self.plan.image(0).map(input) else { return Ok(None) };
        let begun = Instant::now();
        pollster::block_on(measure_times(&self.lab, &input, || begun.elapsed().as_secs_f64() * 1000.0))
    }

    /// Looks at the first golden runs. Says so if they are no better than guessing, before time is spent on faults.
    fn look(&self, interrupted: &AtomicBool) -> Result<()> {
        let stopped = || interrupted.load(Ordering::Relaxed);
        let look = campaign::first_look(&self.lab, &self.source, &self.plan, self.budget, stopped);
        if let Some(alarm) = pollster::block_on(look)?.alarm() {
            output::alarm(&self.provenance.rounded.map_or(alarm.clone(), |rounded| rounded.alarm(&alarm)));
        }
        Ok(())
    }

    fn begin(self, out: &Path, interrupted: &AtomicBool) -> Result<Summary> {
        let tallies = self.tallies();
        let course = Course::new(self.plan.config(), self.plan.images());
        self.work(Position::default(), tallies, course, interrupted, || {
            Directory::create(out, &self.provenance, &self.plan, self.files.as_ref(), self.tallies())
        })
    }

    fn resume(self, out: &Path, interrupted: &AtomicBool) -> Result<Summary> {
        let (files, tallies) = (self.files.as_ref(), self.tallies());
        let (directory, replay) = Directory::resume(out, &self.provenance, &self.plan, files, &self.changed, tallies)?;
        let Replay { next, tallies, records, skipped, begun, torn } = replay;
        let cut = if torn > 0 { ", and an incomplete record, which is made again" } else { "" };
        let skipped = match skipped.len() {
            0 => String::new(),
            count => format!(", and {}", counted(count, "skipped image")),
        };
        eprintln!("done before: {}{skipped}{cut}", counted(records, "fault"));
        self.check_images(begun.saturating_sub(usize::from(next.fault > 0)).max(next.nth))?;
        let course = directory.sequence().course().cloned();
        self.work(next, tallies, course, interrupted, || Ok(directory))
    }

    /// Does the work from `next` on. Calls `directory` after the first golden run, so that a failed golden run leaves
    /// no directory.
    fn work(
        &self,
        next: Position,
        tallies: Tallies,
        course: Option<Course>,
        interrupted: &AtomicBool,
        directory: impl FnOnce() -> Result<Directory>,
    ) -> Result<Summary> {
        if let Some(course) = course {
            let passes = rounds::passes(self, next, course)?;
            return self.drive(Runner::over(passes, tallies), next, directory, interrupted);
        }
        match self.device {
            DeviceChoice::Cpu => {
                let crew = Crew::new(&self.lab, &self.source, self.plan.clone(), next, self.jobs, self.budget)?;
                self.drive(Runner::over(crew, tallies), next, directory, interrupted)
            }
            DeviceChoice::Gpu => {
                let end = Position { nth: self.plan.images(), fault: 0 };
                let steps = Steps::new(self.lab.clone(), self.source.clone(), self.plan.clone());
                let steps = steps.within(self.budget).between(next, end);
                self.drive(Runner::over(steps, tallies), next, directory, interrupted)
            }
        }
    }

    /// Runs the campaign from `next` to its end, or until `interrupted`, and writes the records. Writes the summary in either
    /// case, and also after an error.
    fn drive<W: Work>(
        &self,
        mut runner: Runner<W>,
        next: Position,
        directory: impl FnOnce() -> Result<Directory>,
        interrupted: &AtomicBool,
    ) -> Result<Summary> {
        // The first event is the start, the second the first result.
        pollster::block_on(runner.next())?;
        let first = pollster::block_on(runner.next());
        let mut event = first.map_err(|error| self.explain(next, error))?;
        let mut directory = directory()?;
        let mut progress = Progress::new(directory.sequence());
        let mut step = || {
            let Some(event) =
                event.take().map_or_else(|| pollster::block_on(runner.next()), |event| Ok(Some(event)))?
            else {
                return Ok(false);
            };
            match &event {
                CampaignEvent::Injection(record) => {
                    directory.append(record)?;
                    progress.advance(directory.sequence(), record.outcome == Outcome::Sdc);
                }
                CampaignEvent::Skipped(skipped) => directory.skip(skipped)?,
                _ => {}
            }
            Ok(true)
        };
        let ended = loop {
            match step() {
                Ok(true) if !interrupted.load(Ordering::Relaxed) => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        progress.finish();
        if let Err(Error::Io { .. } | Error::Device { .. }) = &ended {
            eprintln!("the records are kept; remove the cause and continue with the same command and --resume");
        }
        let ended = ended.map_err(|error| self.explain(directory.sequence().position(), error));
        let summary = runner.summary();
        let whole = !summary.complete || directory.sequence().complete();
        directory.finish(&summary)?;
        ended?;
        if !whole {
            // An image was read for some of its faults, and could not be read for the others.
            return Err(Error::request(
                "an image changed while the campaign ran; continue with the same command and --resume",
            ));
        }
        Ok(summary)
    }
}

/// Says how many faults an exhaustive campaign has, and refuses more than `most`.
fn check_exhaustive(plan: &Plan, most: u64) -> Result<()> {
    /// About the size of a record.
    const BYTES: u64 = 300;
    let each = plan.config().faults.at_most() as u64;
    let elements: usize = plan.elements().iter().sum();
    let all = format!(
        "{} ({} in {}, each in {})",
        counted(plan.trials(), "fault"),
        counted(elements, "element"),
        counted(plan.elements().len(), "layer"),
        counted(plan.images(), "image")
    );
    if plan.trials() > most {
        return Err(Error::request(format_args!(
            "an exhaustive campaign has {all}, and --max-faults is {}: choose fewer --layers, --bit or --images, or raise \
             --max-faults; the records would take about {} MB. Each image has {} faults",
            thousands(most),
            thousands((plan.trials() / 1000).saturating_mul(BYTES) / 1000),
            thousands(each)
        )));
    }
    eprintln!(
        "exhaustive: {all}, records of about {} MB",
        thousands(plan.trials().saturating_mul(BYTES).div_ceil(1_000_000))
    );
    Ok(())
}

/// Reads the sample at `path` and checks that it was drawn from `data`.
fn read_sample(path: &Path, data: &DataSource) -> Result<(Sample, SampleSource)> {
    let (name, bytes) = (path.display().to_string(), read::bytes(path)?);
    let sha256 = sha256(&bytes);
    let text = String::from_utf8(bytes).map_err(|_| Error::input(&name, "a sample is a JSON file in UTF-8"))?;
    let sample = Sample::from_json(&name, &text)?;
    sample.fits(&name, data)?;
    let images = sample.indices.len();
    Ok((sample, SampleSource { path: name, images, sha256 }))
}

/// Returns the number of threads. A GPU is used by one.
fn jobs(arguments: &Arguments, device: DeviceChoice) -> Result<usize, Failure> {
    match (device, arguments.jobs) {
        (DeviceChoice::Gpu, Some(jobs)) if jobs.get() > 1 => {
            Err(Failure::usage("campaign", "--jobs goes with --device cpu only: there is one GPU"))
        }
        (DeviceChoice::Gpu, _) => Ok(1),
        (DeviceChoice::Cpu, Some(jobs)) => Ok(jobs.get()),
        (DeviceChoice::Cpu, None) => Ok(available_parallelism().map_or(1, Into::into)),
    }
}

/// Divides the memory that is allowed among the jobs. Fewer than the `wanted` jobs are started where only fewer fit, unless
/// their number was `asked_for`.
fn budget(
    model: &Model,
    [protected, stratified]: [bool; 2],
    wanted: usize,
    asked_for: bool,
) -> Result<(usize, Budget)> {
    let footprint = Footprint::of(&model.graph, protected);
    let located = |error: Error| error.concerning(&model.card.name);
    let memory = limits::allowed();
    footprint.check("the campaign, with one image and one fault at a time, needs", 2).map_err(located)?;
    if protected {
        let learning = footprint.with_runs(1).saturating_add(footprint.kept);
        memory.check("learning the ranges of the protection needs", learning).map_err(located)?;
    }
    let free = memory.bytes().saturating_sub(footprint.with_runs(0));
    // A stratified campaign keeps a golden run and its gradients.
    let kept = if stratified { footprint.kept.saturating_mul(3) } else { 0 };
    if stratified {
        memory
            .check("the scores of a stratified campaign need", footprint.with_runs(2).saturating_add(kept))
            .map_err(located)?;
    }
    let least = kept.saturating_add(2 * (footprint.run + SITE));
    let most = usize::try_from(free / least).unwrap_or(usize::MAX).max(1);
    if asked_for && wanted > most {
        let what = format!("the campaign with --jobs {wanted} (--jobs {most} fits) needs");
        footprint.check(&what, 2 * wanted as u64).map_err(located)?;
    }
    let jobs = wanted.min(most);
    let bytes = usize::try_from((free / jobs as u64).saturating_sub(kept)).unwrap_or(usize::MAX);
    Ok((jobs, Budget { bytes, ..Budget::default() }))
}

/// Whether SIGHUP, which a closed terminal sends, ends the process. Under `nohup` it does not, and this must stay so.
/// Where the system does not say, the signal is left as it is.
fn ends_with_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) == 0)
}

/// Returns a flag that SIGINT (Ctrl-C), SIGTERM and SIGHUP set. The second signal ends the process at once.
fn interruption() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let hangup = ends_with_terminal().then_some(SIGHUP);
    for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
        // In this order: the first signal finds the flag down and raises it, the second finds it up and exits.
        flag::register_conditional_shutdown(signal, Exit::Incomplete as i32, Arc::clone(&interrupted))
            .and_then(|_| flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| Error::request(format_args!("Ctrl-C cannot be handled: {error}")))?;
    }
    Ok(interrupted)
}
