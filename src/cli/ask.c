#include "cli/ask.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define LOOK_MS 200 /* between looks for a signal */
#define CTRL_C 3
#define CTRL_D 4
#define CTRL_U 21
#define BACKSPACE 8
#define DELETE 127

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

/* Signals wait until the terminal echoes again: they must not leave it dumb. */
static void
hold_signals(sigset_t *before)
{
    sigset_t ours;
    sigemptyset(&ours);
    for (size_t i = 0; i < RDT_COUNT(signals); i++)
        sigaddset(&ours, signals[i]);
    sigprocmask(SIG_BLOCK, &ours, before);
}

static bool
signal_waits(void)
{
    sigset_t waiting;
    if (sigpending(&waiting) != 0)
        return true;
    for (size_t i = 0; i < RDT_COUNT(signals); i++) {
        if (sigismember(&waiting, signals[i]) == 1)
            return true;
    }
    return false;
}

/* A whole character of UTF-8 is taken off. */
static size_t
without_last(const struct rdt_secret *line, size_t n)
{
    while (n > 0 && (line->p[n - 1] & 0xc0) == 0x80)
        n--;
    return n > 0 ? n - 1 : 0;
}

static enum rdt_code
read_byte(int terminal, uint8_t *out, struct rdt_err *err)
{
    struct pollfd poller = {.fd = terminal, .events = POLLIN};
    for (;;) {
        if (signal_waits())
            return rdt_fail(err, RDT_E_DENIED, "interrupted");
        int ready = poll(&poller, 1, LOOK_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        ssize_t got = ready < 0 ? -1 : read(terminal, out, 1);
        if (got == 1)
            return RDT_OK;
        if (got < 0 && errno == EINTR)
            continue;
        return rdt_fail(err, got == 0 ? RDT_E_DENIED : RDT_E_IO, "the terminal gave no answer");
    }
}

/* Byte by byte, so that nothing but the secret's own memory holds the line. */
static enum rdt_code
read_line(int terminal, struct rdt_secret *line, struct rdt_err *err)
{
    size_t n = 0;
    for (;;) {
        uint8_t c = 0;
        enum rdt_code rc = read_byte(terminal, &c, err);
        if (rc != RDT_OK)
            return rc;
        if (c == '\n' || c == '\r')
            break;
        if (c == CTRL_C || (c == CTRL_D && n == 0))
            return rdt_fail(err, RDT_E_DENIED, "no answer was given");
        if (c == CTRL_U)
            n = 0;
        else if (c == BACKSPACE || c == DELETE)
            n = without_last(line, n);
        else if (n == RDT_ASK_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "an answer of more than %zu bytes", RDT_ASK_MAX);
        else if (c >= ' ')
            line->p[n++] = c;
    }
    rdt_secret_cut(line, n);
    return RDT_OK;
}

static bool
put(int terminal, const char *text)
{
    size_t n = strlen(text);
    return write(terminal, text, n) == (ssize_t)n;
}

enum rdt_code
rdt_ask_begin(struct rdt_ask *ask, const char *path, struct rdt_err *err)
{
    struct termios dumb;
    *ask = (struct rdt_ask){.terminal = -1};
    RDT_FD terminal = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || tcgetattr(terminal, &ask->before) != 0)
        return rdt_fail(err, RDT_E_NOTFOUND, "there is no terminal to ask on");
    hold_signals(&ask->mask);
    dumb = ask->before;
    dumb.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    dumb.c_cc[VMIN] = 1;
    dumb.c_cc[VTIME] = 0;
    if (tcsetattr(terminal, TCSADRAIN, &dumb) != 0) {
        sigprocmask(SIG_SETMASK, &ask->mask, NULL);
        return rdt_fail(err, RDT_E_IO, "the terminal: %s", strerror(errno));
    }
    ask->terminal = terminal;
    terminal = -1;
    return RDT_OK;
}

enum rdt_code
rdt_ask_line(struct rdt_ask *ask, const char *prompt, struct rdt_secret *out, struct rdt_err *err)
{
    enum rdt_code rc = rdt_secret_new(out, RDT_ASK_MAX, err);
    if (rc != RDT_OK)
        return rc;
    if (!put(ask->terminal, prompt))
        rc = rdt_fail(err, RDT_E_IO, "the terminal: %s", strerror(errno));
    if (rc == RDT_OK)
        rc = read_line(ask->terminal, out, err);
    if (!put(ask->terminal, "\n") && rc == RDT_OK)
        rc = rdt_fail(err, RDT_E_IO, "the terminal: %s", strerror(errno));
    if (rc != RDT_OK)
        rdt_secret_wipe(out);
    return rc;
}

void
rdt_ask_end(struct rdt_ask *ask)
{
    if (ask->terminal < 0)
        return;
    tcsetattr(ask->terminal, TCSADRAIN, &ask->before);
    sigprocmask(SIG_SETMASK, &ask->mask, NULL);
    rdt_fd_close(&ask->terminal);
}
