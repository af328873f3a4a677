//! Workers side by side: the first that fails ends the others, whichever it is.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use crate::{KafkaError, mutant::Mutant};

/// What a worker does.
pub(crate) type Work = Box<dyn FnOnce() -> Result<(), KafkaError> + Send>;

/// Runs each worker on a thread of its name until all have ended. Where one fails or panics, `stop` is set at once: a
/// service that does half its work is not seen.
///
/// # Errors
/// That of the worker that failed first.
pub(crate) fn run(workers: Vec<(String, Work)>, stop: &Arc<AtomicBool>) -> Result<(), KafkaError> {
    let (ended, ends) = mpsc::channel();
    let mut threads = Vec::with_capacity(workers.len());
    let mut done = Ok(());
    for (name, work) in workers {
        let (ended, worker) = (ended.clone(), name.clone());
        let spawned = thread::Builder::new().name(name).spawn(move || {
            let done = catch_unwind(AssertUnwindSafe(work));
            // Whoever listens is there until all have ended.
            let _ = ended.send(done.unwrap_or(Err(KafkaError::Panicked { worker })));
        });
        match spawned {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                stop.store(true, Ordering::Relaxed);
                done = Err(error.into());
                break;
            }
        }
    }
    drop(ended);
    for end in ends {
        if end.is_err() && !Mutant::PanicUnnoticed.is_chosen() {
            stop.store(true, Ordering::Relaxed);
        }
        done = done.and(end);
    }
    // A panic has been heard of above.
    threads.into_iter().for_each(|thread| drop(thread.join()));
    done
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_panic_of_a_later_worker_ends_all_at_once() {
        let stop = Arc::new(AtomicBool::new(false));
        let waits = |stop: Arc<AtomicBool>| -> Work {
            Box::new(move || {
                let begun = Instant::now();
                while !stop.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(20) {
                    thread::sleep(Duration::from_millis(5));
                }
                Ok(())
            })
        };
        let workers: Vec<(String, Work)> = vec![
            ("first".into(), waits(stop.clone())),
            ("second".into(), Box::new(|| panic!("a defect"))),
            ("third".into(), waits(stop.clone())),
        ];
        let begun = Instant::now();
        let error = run(workers, &stop).unwrap_err();
        assert!(error.to_string().contains("worker `second`"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10), "noticed after {:?}", begun.elapsed());
    }
}
