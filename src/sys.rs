//! The few things that need the operating system: process identity, signal masks, memory that a fork may share.

#![allow(unsafe_code)]

use std::{
    mem::MaybeUninit,
    ops::Deref,
    os::fd::AsRawFd,
    ptr,
    sync::{
        Once,
        atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering},
    },
};

/// The id of this process. Each call of the library asks for it many times, so it is kept where a forked child finds 0.
pub(crate) fn process_id() -> u32 {
    static KEPT: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
    static IS_TRIED: AtomicBool = AtomicBool::new(false);
    // SAFETY: a non-null pointer is a page that is never unmapped.
    let Some(kept) = (unsafe { KEPT.load(Ordering::Acquire).as_ref() }) else {
        if !IS_TRIED.swap(true, Ordering::Relaxed) {
            KEPT.store(emptied_by_forks(), Ordering::Release);
        }
        return std::process::id();
    };
    match kept.load(Ordering::Relaxed) {
        0 => {
            let id = std::process::id();
            kept.store(id, Ordering::Relaxed);
            id
        }
        id => id,
    }
}

/// A number in a page of its own that is 0 in a forked child; NULL where the system has no such pages (Linux before 4.14).
fn emptied_by_forks() -> *mut AtomicU32 {
    let size = size_of::<AtomicU32>();
    // SAFETY: the page is a new one, which nobody else knows of.
    unsafe {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let page = libc::mmap(ptr::null_mut(), size, access, kind, -1, 0);
        if page == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        if libc::madvise(page, size, libc::MADV_WIPEONFORK) != 0 {
            libc::munmap(page, size);
            return ptr::null_mut();
        }
        page.cast()
    }
}

/// The user whose rights this process has on files.
pub(crate) fn user_id() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// What this process takes from the rights of files that it makes. Where that cannot be seen, all but the owner's.
pub(crate) fn umask() -> u32 {
    // The call that returns it changes it, for all threads.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    umask.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(0o077)
}

/// How much can still be written to a file.
pub(crate) struct Room {
    /// Bytes that the file system has left.
    pub free: u64,
    /// Bytes that one file of this process may have.
    pub longest: u64,
}

/// The room that a file's file system has, as far as it says.
pub(crate) fn room_for(file: &std::fs::File) -> Option<Room> {
    let mut stats = MaybeUninit::<libc::statvfs>::uninit();
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the descriptor is open, both places are writable, and they are read only when they were filled in.
    let (stats, limit) = unsafe {
        if libc::fstatvfs(file.as_raw_fd(), stats.as_mut_ptr()) != 0
            || libc::getrlimit(libc::RLIMIT_FSIZE, limit.as_mut_ptr()) != 0
        {
            return None;
        }
        (stats.assume_init(), limit.assume_init())
    };
    let blocks = if user_id() == 0 { stats.f_bfree } else { stats.f_bavail };
    // Some file systems say nothing.
    let free = if stats.f_blocks == 0 { u64::MAX } else { blocks.saturating_mul(stats.f_frsize) };
    let longest = if limit.rlim_cur == libc::RLIM_INFINITY { u64::MAX } else { limit.rlim_cur };
    Some(Room { free, longest })
}

/// Whether files of this user may be believed: one's own, and root's.
pub(crate) fn is_trusted(user: u32) -> bool {
    user == 0 || user == user_id()
}

/// Whether something is mounted on this very path: a file that is, cannot be replaced by another one.
#[cfg(target_os = "linux")]
pub(crate) fn is_mount_point(path: &std::path::Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return false };
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    // By its number: glibc has had a name for it since 2.28 only, and an older one loads no library that asks for that name.
    // SAFETY: the path ends with a NUL, and `found` is writable; all zeros are a valid `statx`.
    let found = unsafe {
        match libc::syscall(libc::SYS_statx, libc::AT_FDCWD, path.as_ptr(), flags, 0, found.as_mut_ptr()) {
            0 => found.assume_init(),
            _ => return false,
        }
    };
    found.stx_attributes & found.stx_attributes_mask & libc::STATX_ATTR_MOUNT_ROOT as u64 != 0
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mount_point(_path: &std::path::Path) -> bool {
    false
}

/// A value that belongs to the process that made it. After a `fork` the child finds a fresh one in its place: threads
/// and locked locks do not survive a fork, so the parent's is forgotten there, neither used nor dropped.
pub(crate) struct PerProcess<T> {
    current: AtomicPtr<Owned<T>>,
    make: Box<dyn Fn() -> T + Send + Sync>,
}

struct Owned<T> {
    pid: u32,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    /// `make` is called in every process that uses the value, when it first does.
    pub(crate) fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        PerProcess { current: AtomicPtr::new(ptr::null_mut()), make: Box::new(make) }
    }
}

impl<T> Deref for PerProcess<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let pid = process_id();
        let mut seen = self.current.load(Ordering::Acquire);
        loop {
            // SAFETY: a non-null pointer came from `Box::into_raw` below and is freed only in `drop`, which has `&mut`.
            if let Some(owned) = unsafe { seen.as_ref() }
                && owned.pid == pid
            {
                return &owned.value;
            }
            let fresh = Box::into_raw(Box::new(Owned { pid, value: (self.make)() }));
            match self.current.compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire) {
                // The parent's value, if there was one, is left alone on purpose.
                Ok(_) => seen = fresh,
                Err(winner) => {
                    // SAFETY: `fresh` was never published, so it is still ours alone.
                    drop(unsafe { Box::from_raw(fresh) });
                    seen = winner;
                }
            }
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let owned = *self.current.get_mut();
        // SAFETY: as in `deref`; `&mut self` says that nobody else looks at it.
        if unsafe { owned.as_ref() }.is_some_and(|owned| owned.pid == process_id()) {
            // SAFETY: made by `Box::into_raw`, in this process, and dropped once.
            drop(unsafe { Box::from_raw(owned) });
        }
    }
}

/// An open file that a forked child does not have: it is nothing there. A lock on a file is that of all who hold the same
/// open file, and a child would keep it when its parent is long gone.
#[derive(Debug)]
pub(crate) struct NotForChildren(Option<Listed>);

/// A descriptor, and its place in the list of those that children do not have.
#[derive(Clone, Copy, Debug)]
struct Listed {
    place: usize,
    descriptor: i32,
}

/// The descriptors that children do not have; -1 is none.
static OWN_ONLY: [AtomicI32; 1024] = [const { AtomicI32::new(-1) }; 1024];

impl NotForChildren {
    /// Lasts as long as the value. Without room for another one the child has it after all.
    pub(crate) fn new(file: &std::fs::File) -> Self {
        static WATCH: Once = Once::new();
        WATCH.call_once(|| {
            // SAFETY: the handler does only what is allowed between a fork and an exec.
            unsafe { libc::pthread_atfork(None, None, Some(give_up_in_child)) };
        });
        let descriptor = file.as_raw_fd();
        let free = |slot: &AtomicI32| {
            slot.compare_exchange(-1, descriptor, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        NotForChildren(OWN_ONLY.iter().position(free).map(|place| Listed { place, descriptor }))
    }
}

impl Drop for NotForChildren {
    fn drop(&mut self) {
        // In a child the place may be another one's by now.
        if let Some(Listed { place, descriptor }) = self.0
            && let Some(slot) = OWN_ONLY.get(place)
        {
            let _ = slot.compare_exchange(descriptor, -1, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}

/// Puts the null device in the place of what is the parent's only: the numbers stay taken, so that whoever closes them in
/// the child closes nothing of others'. The child's own children have nothing to give up: in the child a number may have
/// become another file's.
extern "C" fn give_up_in_child() {
    let mut null = -1;
    for slot in &OWN_ONLY {
        let descriptor = slot.swap(-1, Ordering::AcqRel);
        if descriptor < 0 {
            continue;
        }
        // SAFETY: all of them are safe between a fork and an exec, and the descriptor is one that the parent had open.
        unsafe {
            if null < 0 {
                null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            }
            if null >= 0 && libc::dup2(null, descriptor) >= 0 {
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
    if null >= 0 {
        // SAFETY: it was opened above.
        unsafe { libc::close(null) };
    }
}

/// What a thread brings upon itself. Blocked, it would end the process without a word, or hang a debugger.
const OWN_FAULTS: [libc::c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT];

/// Blocks every signal on this thread, but for its own faults: signals are the host's. Gives the mask from before.
fn block_signals() -> Option<libc::sigset_t> {
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    let mut ours = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are writable, `sigfillset` initialises the one that is changed and read, and `pthread_sigmask`
    // the other one.
    unsafe {
        libc::sigfillset(ours.as_mut_ptr());
        for signal in OWN_FAULTS {
            libc::sigdelset(ours.as_mut_ptr(), signal);
        }
        let blocked = libc::pthread_sigmask(libc::SIG_SETMASK, ours.as_ptr(), before.as_mut_ptr()) == 0;
        blocked.then(|| before.assume_init())
    }
}

/// For a thread of ours: the host's signals go to the host's threads.
pub(crate) fn refuse_signals() {
    let _ = block_signals();
}

/// Runs `start`, whose new threads inherit a mask that leaves the host's signals to the host's threads.
pub(crate) fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    struct Restore(libc::sigset_t);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: the set was filled in by `pthread_sigmask` itself.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, ptr::null_mut()) };
        }
    }
    let restore = block_signals().map(Restore);
    let started = start();
    drop(restore);
    started
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_value_is_made_once_for_a_process() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let cell = PerProcess::new(|| MADE.fetch_add(1, Ordering::SeqCst));
        assert_eq!((*cell, *cell), (0, 0));
        assert_eq!(MADE.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn new_threads_see_no_signals_and_the_callers_mask_comes_back() {
        fn blocked(signal: libc::c_int) -> bool {
            let mut now = MaybeUninit::<libc::sigset_t>::uninit();
            // SAFETY: a null new set only reads the mask, into a writable set.
            unsafe {
                libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), now.as_mut_ptr());
                libc::sigismember(now.as_ptr(), signal) == 1
            }
        }
        let inside = || std::thread::spawn(|| (blocked(libc::SIGTERM), OWN_FAULTS.map(blocked))).join();
        let inside = without_signals(inside).expect("no panic");
        assert_eq!((inside, blocked(libc::SIGTERM)), ((true, [false; 6]), false));
    }

    #[test]
    fn a_forked_child_has_an_id_of_its_own() {
        let parent = process_id();
        assert_eq!((parent, process_id()), (std::process::id(), parent));
        // SAFETY: between a fork and `_exit` nothing is done but system calls.
        let (child, status) = unsafe {
            let child = libc::fork();
            if child == 0 {
                let is_right = process_id() != parent && process_id() == std::process::id();
                libc::_exit(i32::from(!is_right));
            }
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            (child, status)
        };
        assert!(child > 0);
        assert_eq!(status, 0, "the child saw its own id");
    }

    /// A daemon's child: a number of its parent's is another file's when it forks once more.
    #[test]
    fn what_a_child_opens_under_its_parents_number_stays_its_own() {
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let file = std::fs::File::from(std::os::fd::OwnedFd::from(reader));
        let _own = NotForChildren::new(&file);
        let number = file.as_raw_fd();
        // SAFETY: between a fork and `_exit` nothing is done but system calls, on descriptors that are open.
        let status = unsafe {
            let child = libc::fork();
            if child == 0 {
                let mut ends = [0; 2];
                libc::pipe(ends.as_mut_ptr());
                libc::dup2(ends[1], number);
                let grandchild = libc::fork();
                if grandchild == 0 {
                    libc::write(number, c"x".as_ptr().cast(), 1);
                    libc::_exit(0);
                }
                libc::waitpid(grandchild, ptr::null_mut(), 0);
                libc::fcntl(ends[0], libc::F_SETFL, libc::O_NONBLOCK);
                let mut byte = 0u8;
                let came = libc::read(ends[0], ptr::from_mut(&mut byte).cast(), 1);
                libc::_exit(i32::from(came != 1));
            }
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            status
        };
        assert_eq!(status, 0, "what the grandchild wrote has come");
    }
}
