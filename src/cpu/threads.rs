//! Threads that share out a stage's parts.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::OnceLock;

/// The pool that whoever starts threads lent.
static LENT: OnceLock<ThreadPool> = OnceLock::new();

/// Lends a pool to all executors that are opened from now on, where they cannot start threads themselves: in a page that takes
/// time, during which nobody may wait for them. Whether it is the first; the others are not needed.
pub fn lend(pool: ThreadPool) -> bool {
    LENT.set(pool).is_ok()
}

/// Threads, at least one.
pub(super) enum Threads {
    /// Whoever asks does it, where there are no threads to be had.
    One,
    /// A pool of one's own.
    Own(ThreadPool),
    /// The pool that was lent.
    Lent(&'static ThreadPool),
}

impl Threads {
    /// So many threads, or one a core, or those that were lent. Of these all are used, or none where one is wanted.
    pub fn open(wanted: Option<usize>) -> Self {
        if let Some(pool) = LENT.get() {
            return if wanted == Some(1) { Self::One } else { Self::Lent(pool) };
        }
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        let count = wanted.unwrap_or_else(available).max(1);
        let name = |index| format!("backhoe-{index}");
        ThreadPoolBuilder::new().num_threads(count).thread_name(name).build().map_or(Self::One, Self::Own)
    }

    fn pool(&self) -> Option<&ThreadPool> {
        match self {
            Self::One => None,
            Self::Own(pool) => Some(pool),
            Self::Lent(pool) => Some(pool),
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.pool().map_or(1, ThreadPool::current_num_threads)
    }

    /// Does some work, of which these threads do what it shares out.
    pub fn install(&self, work: impl FnOnce() + Send) {
        match self.pool() {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Has every thread do the same at once.
    pub fn broadcast(&self, work: &(dyn Fn() + Sync)) {
        match self.pool() {
            Some(pool) => drop(pool.broadcast(|_| work())),
            None => work(),
        }
    }
}
