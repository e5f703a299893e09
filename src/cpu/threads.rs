//! Threads that share out a stage's parts.

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads, at least one.
pub(super) enum Threads {
    /// Whoever asks does it, where there are no threads to be had.
    One,
    /// A pool of one's own.
    Own(ThreadPool),
    /// The pool that rayon has for everybody, where no other can be had: in a page, whose host started that.
    Common,
}

impl Threads {
    /// So many threads, or one a core, or those of the common pool. Of these all are used, or none where one is wanted.
    pub fn open(wanted: Option<usize>) -> Self {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        let count = wanted.unwrap_or_else(available).max(1);
        let name = |index| format!("backhoe-{index}");
        match ThreadPoolBuilder::new().num_threads(count).thread_name(name).build() {
            Ok(pool) => Self::Own(pool),
            Err(_) if wanted != Some(1) && rayon::current_num_threads() > 1 => Self::Common,
            Err(_) => Self::One,
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        match self {
            Self::One => 1,
            Self::Own(pool) => pool.current_num_threads(),
            Self::Common => rayon::current_num_threads(),
        }
    }

    /// Does some work, of which these threads do what it shares out.
    pub fn install(&self, work: impl FnOnce() + Send) {
        match self {
            Self::One => work(),
            Self::Own(pool) => pool.install(work),
            Self::Common => rayon::scope(|_| work()),
        }
    }

    /// Has every thread do the same at once.
    pub fn broadcast(&self, work: &(dyn Fn() + Sync)) {
        match self {
            Self::One => work(),
            Self::Own(pool) => drop(pool.broadcast(|_| work())),
            Self::Common => drop(rayon::broadcast(|_| work())),
        }
    }
}
