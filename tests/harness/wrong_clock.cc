// Sets the wall clock of a program wrong. Preloaded into it (LD_PRELOAD), this library adds
// WRONG_CLOCK_SECONDS to what the C library says the time of day is. The steady clock, on which
// waits are measured, is left alone; a wait until a time of day is turned back, as the kernel's
// clock is right.

#include <dlfcn.h>
#include <pthread.h>
#include <sys/time.h>

#include <cstdlib>
#include <ctime>

namespace {

// What is less is no time of day, but one of the steady clock.
constexpr time_t kTimeOfDayMin = 1'000'000'000;

time_t Ahead() {
  static const char* const told = std::getenv("WRONG_CLOCK_SECONDS");
  return told == nullptr ? 0 : static_cast<time_t>(std::atoll(told));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  using Get = int (*)(clockid_t, timespec*);
  static const Get get = reinterpret_cast<Get>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = get(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += Ahead();
  }
  return result;
}

int gettimeofday(timeval* __restrict now, void* __restrict) noexcept {
  timespec precise = {};
  const int result = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return result;
}

time_t time(time_t* out) noexcept {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t* __restrict condition, pthread_mutex_t* __restrict mutex,
                           const timespec* __restrict until) {
  using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*, const timespec*);
  // Where there are two of that name, the one that is not kept for programs of long ago.
  static void* const newer = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  static const Wait wait =
      reinterpret_cast<Wait>(newer != nullptr ? newer : dlsym(RTLD_NEXT, "pthread_cond_timedwait"));
  timespec right = *until;
  if (right.tv_sec > kTimeOfDayMin) right.tv_sec -= Ahead();
  return wait(condition, mutex, &right);
}

}  // extern "C"
