//! What is written is read back as it was; what is of another version, or broken, is refused with its place.

use record::launches::{Launch, Line, Word, Write};
use record::run::{Counts, End, Kernel, LaunchError, Progress, Start, Trap};
use record::{Blame, Cause, Error, Event, Observation, Shadow, VERSION};

fn start() -> Event {
    Event::Start(Start {
        version: VERSION,
        pid: 7,
        program: "/bin/prog".into(),
        time_unix_s: 1.5,
        vernier: "0.1.0".into(),
        cuda: 13,
    })
}

fn text<T: serde::Serialize>(lines: &[T]) -> String {
    let lines = lines.iter().map(|l| serde_json::to_string(l).unwrap() + "\n");
    lines.collect()
}

fn events() -> Vec<Event> {
    let counts = Counts {
        launches: 2,
        classes: [("fp32_fma".to_string(), 3)].into(),
        ..Counts::default()
    };
    let observation = Observation {
        kernel: "k".into(),
        shadow: Some(Shadow {
            max_relative: f64::INFINITY,
            ..Shadow::default()
        }),
        ..Observation::default()
    };
    vec![
        start(),
        Event::Trap(Trap {
            kernel: "k".into(),
            cause: Cause::OutOfBounds,
            message: "a \"quoted\" text\nof two lines".into(),
            looked_at: false,
        }),
        Event::LaunchError(LaunchError {
            kernel: "k".into(),
            cause: Cause::Configuration,
            message: "too many threads".into(),
        }),
        Event::Kernel(Kernel {
            name: "k".into(),
            counts: counts.clone(),
            seconds: 0.5,
        }),
        Event::Observation(observation.into()),
        Event::End(End {
            counts,
            kernel_seconds: 0.5,
            peak_device_bytes: 77,
        }),
    ]
}

#[test]
fn records_come_back_as_they_were() {
    let text = text(&events());
    assert_eq!(Event::read(&text), Ok(events()));
    let trap = text.lines().nth(1).unwrap();
    assert!(
        trap.starts_with(r#"{"event":"trap","kernel":"k","cause":"out_of_bounds","#),
        "{trap}"
    );
    let end = text.lines().last().unwrap();
    assert!(
        end.contains(r#""launches":2,"#) && end.contains(r#""classes":{"fp32_fma":3}"#),
        "{end}"
    );
}

#[test]
fn what_a_killed_process_left_unfinished_is_passed_over() {
    let torn = text(&[start()]) + "{\"event\":\"ke\n" + &text(&[start()]) + "{\"event\":\"end\",\"launch";
    assert_eq!(Event::read(&torn), Ok(vec![start(), start()]));
    assert_eq!(Event::read(""), Ok(vec![]));
}

#[test]
fn another_version_is_an_error_that_says_so() {
    let old = r#"{"event":"start","pid":1}"#;
    let error = Event::read(old).unwrap_err();
    assert_eq!(error, Error::Version { found: 0 });
    assert!(
        error.to_string().contains("of version 0") && error.to_string().contains("run the program again")
    );
    let newer = text(&[start()]).replace("\"version\":1", "\"version\":9");
    assert_eq!(Event::read(&newer), Err(Error::Version { found: 9 }));
    assert_eq!(
        Line::read("{\"event\":\"write\",\"address\":1}\n"),
        Err(Error::Version { found: 0 })
    );
}

#[test]
fn an_event_that_there_is_not_is_an_error_with_its_line() {
    let unknown = text(&[start()]) + "{\"event\":\"party\"}\n";
    let error = Event::read(&unknown).unwrap_err().to_string();
    assert!(
        error.starts_with("line 2: ") && error.contains("party"),
        "{error}"
    );
}

#[test]
fn launch_logs_come_back_as_they_were() {
    let lines = [
        Line::Start { version: VERSION },
        Line::Write(Write {
            address: 4096,
            bytes: 64,
            from: None,
        }),
        Line::Launch(Launch {
            kernel: "k".into(),
            grid: [1, 2, 3],
            block: [32, 1, 1],
            shared: 0,
            words: vec![Word {
                index: 0,
                offset: 0,
                value: 4100,
                bytes: 8,
                left: Some(60),
                start: Some(4096),
            }],
            thread_instructions: 9,
            seconds: 0.25,
        }),
    ];
    let whole = text(&lines);
    assert_eq!(Line::read(&whole).unwrap(), lines);
    let cut = &whole[..whole.len() - 20];
    assert_eq!(Line::read(cut).unwrap(), lines[..2]);
    // Layers would be found wrongly in a log with a hole.
    let hole = whole.replace("\"address\"", "address");
    assert!(matches!(Line::read(&hole), Err(Error::Line { line: 2, .. })));
    let Line::Launch(launch) = &lines[2] else {
        unreachable!()
    };
    assert_eq!(launch.words[0].allocation(), Some(64));
}

#[test]
fn progress_is_one_value_with_spaces_behind() {
    let progress = Progress {
        launches: 2,
        thread_instructions: 10,
        kernel: "k".into(),
        blocks_done: 1,
        blocks_total: 4,
        so_far: events().split_off(3),
    };
    let text = serde_json::to_string(&progress).unwrap() + "    \n";
    assert_eq!(Progress::read(&text), Some(progress));
    assert_eq!(Progress::read("{\"launches\":2"), None);
}

#[test]
fn blame_follows_from_the_cause() {
    assert_eq!(Cause::StackOverflow.blame(), Blame::Kernel);
    assert_eq!(Cause::Configuration.blame(), Blame::Request);
    assert_eq!(Cause::RefusedCode.blame(), Blame::Vernier);
}
