// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0
//
// The least that a broadcaster can do: the floor that Martlet's cost per delivery is measured against, in the same run.
//
// One thread, one epoll descriptor. It upgrades WebSocket requests (or answers event-stream requests), counts everyone
// as subscribed, and sends one payload to all connections at a steady rate. It has no identity, no channels, no pings,
// no limits; it reads and throws away what clients send.
//
//     cc -O2 -o broadcaster broadcaster.c
//     ./broadcaster [options] RATE
//
//     RATE              messages a second, each to every connection
//     --port PORT       port on 127.0.0.1 (0, the default: any; printed on standard output)
//     --payload BYTES   bytes of a message's text (128)
//     --wait N          begin when N connections are subscribed (1)
//     --seconds S       end after this many seconds of publishing, 0: when interrupted (10)
//     --coalesce        queue the messages of a turn for a connection and send them in one call,
//                       instead of one call for each message
//     --event-stream    answer GET with text/event-stream and chunked events instead of WebSocket frames
//
// The text of a message is {"t":NANOSECONDS,"p":"aaa…"}: the wall clock when it was published, and padding.
// At the end one line of JSON on standard output tells what a delivery cost.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, PENDING_MAX = 1 << 20, EVENTS_MAX = 512, TURN_MAX = 1 << 16 };

struct connection {
    int descriptor;
    int subscribed;
    int armed;
    int place;        // in the list of the subscribed
    size_t head_size;
    char *head;       // the request so far, until it is answered
    size_t pending_size;
    size_t pending_room;
    char *pending;    // what the kernel refused, or what the turn queued
};

static struct connection *connections;
static size_t connection_room;
static int *subscribed;
static size_t subscribed_count;
static int epoll;
static int coalesce, event_stream;
static uint64_t sends, deliveries, dropped;
static volatile sig_atomic_t interrupted;

static void interrupt(int signal) { (void)signal, interrupted = 1; }

static uint64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

// SHA-1 (RFC 3174) and base64, for Sec-WebSocket-Accept.

static uint32_t rotate(uint32_t value, int by) { return value << by | value >> (32 - by); }

static void sha1_block(uint32_t state[5], const uint8_t *block) {
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8
            | block[4 * i + 3];
    for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t choice = (b & c) | (~b & d), parity = b ^ c ^ d, majority = (b & c) | (b & d) | (c & d);
        uint32_t f = i < 20 ? choice : i < 40 ? parity : i < 60 ? majority : parity;
        uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
        uint32_t next = rotate(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

static void accept_key(const char *key, size_t size, char out[29]) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t text[128] = {0}, digest[21] = {0};
    size_t total = size + sizeof guid - 1;
    memcpy(text, key, size);
    memcpy(text + size, guid, sizeof guid - 1);
    text[total] = 0x80;
    size_t blocks = total + 9 > 64 ? 2 : 1;
    text[blocks * 64 - 2] = (uint8_t)(total * 8 >> 8);
    text[blocks * 64 - 1] = (uint8_t)(total * 8);
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    for (size_t i = 0; i < blocks; i++) sha1_block(state, text + 64 * i);
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) out[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
    }
    out[27] = '=';
    out[28] = 0;
}

// Connections.

static void watch(int number, int output) {
    struct connection *c = &connections[number];
    if (c->armed == output) return;
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0), .data.u64 = (uint64_t)number + 1};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->descriptor, &event)) die("epoll_ctl");
    c->armed = output;
}

static void end(int number) {
    struct connection *c = &connections[number];
    if (c->descriptor < 0) return;
    close(c->descriptor);
    if (c->subscribed) {
        subscribed[c->place] = subscribed[--subscribed_count];
        connections[subscribed[c->place]].place = c->place;
    }
    free(c->head);
    free(c->pending);
    *c = (struct connection){.descriptor = -1};
}

static int keep(struct connection *c, const char *bytes, size_t size) {
    if (c->pending_size + size > PENDING_MAX) return 0;
    if (c->pending_size + size > c->pending_room) {
        size_t room = c->pending_room ? c->pending_room : 256;
        while (room < c->pending_size + size) room *= 2;
        char *grown = realloc(c->pending, room);
        if (!grown) return 0;
        c->pending = grown;
        c->pending_room = room;
    }
    memcpy(c->pending + c->pending_size, bytes, size);
    c->pending_size += size;
    return 1;
}

static void flush(int number) {
    struct connection *c = &connections[number];
    if (!c->pending_size) return;
    ssize_t sent = send(c->descriptor, c->pending, c->pending_size, MSG_NOSIGNAL);
    sends++;
    if (sent < 0 && errno != EAGAIN) {
        end(number);
        return;
    }
    if (sent > 0) {
        memmove(c->pending, c->pending + sent, c->pending_size - (size_t)sent);
        c->pending_size -= (size_t)sent;
    }
    watch(number, c->pending_size > 0);
}

// Sends now what the kernel takes now; the rest waits for EPOLLOUT. A client that lets 1 MiB wait is cut.
static void deliver(int number, const char *bytes, size_t size) {
    struct connection *c = &connections[number];
    ssize_t sent = 0;
    if (!c->pending_size) {
        sent = send(c->descriptor, bytes, size, MSG_NOSIGNAL);
        sends++;
        if (sent < 0 && errno != EAGAIN) {
            end(number);
            return;
        }
        if (sent < 0) sent = 0;
    }
    if ((size_t)sent == size) return;
    if (!keep(c, bytes + sent, size - (size_t)sent)) {
        dropped++;
        end(number);
        return;
    }
    watch(number, 1);
}

static void subscribe(int number) {
    connections[number].subscribed = 1;
    connections[number].place = (int)subscribed_count;
    subscribed[subscribed_count++] = number;
    free(connections[number].head);
    connections[number].head = NULL;
}

static void answer(int number) {
    struct connection *c = &connections[number];
    char response[512];
    if (event_stream) {
        snprintf(response, sizeof response,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
    } else {
        char *key = strcasestr(c->head, "\r\nsec-websocket-key:");
        if (!key) {
            end(number);
            return;
        }
        key += 20;
        key += strspn(key, " \t");
        size_t size = strcspn(key, " \t\r");
        char accepted[29];
        if (size > 64) size = 64;
        accept_key(key, size, accepted);
        snprintf(response, sizeof response,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n\r\n", accepted);
    }
    subscribe(number);
    deliver(number, response, strlen(response));
}

static void receive(int number) {
    static char scratch[65536];
    struct connection *c = &connections[number];
    ssize_t count = recv(c->descriptor, scratch, sizeof scratch, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        end(number);
        return;
    }
    if (c->subscribed) return;
    if (c->head_size + (size_t)count >= HEAD_MAX) {
        end(number);
        return;
    }
    if (!c->head && !(c->head = malloc(HEAD_MAX))) die("malloc");
    memcpy(c->head + c->head_size, scratch, (size_t)count);
    c->head_size += (size_t)count;
    c->head[c->head_size] = 0;
    if (strstr(c->head, "\r\n\r\n")) answer(number);
}

static void take(int listener) {
    for (int i = 0; i < 64; i++) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) return;
        if ((size_t)descriptor >= connection_room) {
            close(descriptor);
            continue;
        }
        connections[descriptor] = (struct connection){.descriptor = descriptor};
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)descriptor + 1};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)) die("epoll_ctl");
    }
}

// Messages.

static size_t encode(char *out, size_t payload) {
    char text[65536];
    int size = snprintf(text, sizeof text, "{\"t\":%llu,\"p\":\"", (unsigned long long)now(CLOCK_REALTIME));
    size_t end = (size_t)size + 2 > payload ? (size_t)size + 2 : payload;
    memset(text + size, 'a', end - (size_t)size - 2);
    memcpy(text + end - 2, "\"}", 2);
    if (event_stream) {
        size_t head = (size_t)sprintf(out, "%zx\r\ndata: ", end + 8);
        memcpy(out + head, text, end);
        memcpy(out + head + end, "\n\n\r\n", 4);
        return head + end + 4;
    }
    size_t head = end < 126 ? 2 : 4;
    out[0] = (char)0x81;
    out[1] = (char)(end < 126 ? end : 126);
    if (head == 4) out[2] = (char)(end >> 8), out[3] = (char)end;
    memcpy(out + head, text, end);
    return head + end;
}

// Publishes `count` messages; with coalescing each connection gets them in one call.
static void publish(uint64_t count, size_t payload) {
    static char message[131072];
    for (uint64_t i = 0; i < count; i++) {
        size_t size = encode(message, payload);
        // From the last to the first, because ending one moves the last into its place.
        for (size_t place = subscribed_count; place-- > 0;) {
            int number = subscribed[place];
            deliveries++;
            if (!coalesce) {
                deliver(number, message, size);
            } else if (connections[number].armed) {
                deliver(number, message, size);
            } else if (!keep(&connections[number], message, size)) {
                dropped++;
                end(number);
            } else if (connections[number].pending_size >= TURN_MAX) {
                flush(number);
            }
        }
    }
    if (!coalesce) return;
    for (size_t place = subscribed_count; place-- > 0;) {
        if (!connections[subscribed[place]].armed) flush(subscribed[place]);
    }
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static double microseconds(struct timeval from, struct timeval to) {
    return (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_usec - from.tv_usec);
}

static void run(int listener, double rate, size_t payload, size_t wait, double seconds) {
    struct epoll_event events[EVENTS_MAX];
    struct rusage before = {0}, after;
    uint64_t begun = 0, published = 0;
    size_t audience = 0;
    while (!interrupted) {
        uint64_t due = 0, time = now(CLOCK_MONOTONIC);
        if (!begun && subscribed_count >= wait) {
            begun = time;
            sends = 0;
            getrusage(RUSAGE_SELF, &before);
        }
        if (begun) {
            double elapsed = (double)(time - begun) / 1e9;
            if (seconds > 0 && elapsed >= seconds) break;
            due = (uint64_t)(elapsed * rate) - published;
        }
        int count = epoll_wait(epoll, events, EVENTS_MAX, due ? 0 : 1);
        for (int i = 0; i < count; i++) {
            if (!events[i].data.u64) {
                take(listener);
                continue;
            }
            int number = (int)(events[i].data.u64 - 1);
            if (events[i].events & EPOLLOUT) flush(number);
            if (connections[number].descriptor >= 0 && events[i].events & ~(uint32_t)EPOLLOUT) receive(number);
        }
        // One message a turn without coalescing, so that connections are served between two.
        if (due && !coalesce) due = 1;
        publish(due, payload);
        published += due;
        if (subscribed_count > audience) audience = subscribed_count;
    }
    getrusage(RUSAGE_SELF, &after);
    double user = microseconds(before.ru_utime, after.ru_utime), system = microseconds(before.ru_stime, after.ru_stime);
    double took = begun ? (double)(now(CLOCK_MONOTONIC) - begun) / 1e9 : 0, each = deliveries ? (double)deliveries : 1;
    printf("{\"connections\":%zu,\"messages\":%llu,\"deliveries\":%llu,\"sends\":%llu,\"cut\":%llu,\"seconds\":%.3f,"
        "\"deliveries_per_second\":%.0f,\"cpu_us_per_delivery\":%.3f,\"user_us_per_delivery\":%.3f}\n",
        audience, (unsigned long long)published, (unsigned long long)deliveries, (unsigned long long)sends,
        (unsigned long long)dropped, took, took > 0 ? each / took : 0, (user + system) / each, user / each);
}

static int usage(void) {
    fprintf(stderr, "usage: broadcaster [--port PORT] [--payload BYTES] [--wait N] [--seconds S] [--coalesce] "
        "[--event-stream] RATE\n");
    return 2;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'}, {"payload", required_argument, NULL, 'b'},
        {"wait", required_argument, NULL, 'w'}, {"seconds", required_argument, NULL, 's'},
        {"coalesce", no_argument, &coalesce, 1}, {"event-stream", no_argument, &event_stream, 1}, {0},
    };
    int port = 0, option;
    long payload = 128, wait = 1;
    double seconds = 10;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 0: break;
        case 'p': port = atoi(optarg); break;
        case 'b': payload = atol(optarg); break;
        case 'w': wait = atol(optarg); break;
        case 's': seconds = atof(optarg); break;
        default: return usage();
        }
    }
    double rate = optind < argc ? atof(argv[optind]) : 0;
    if (rate <= 0 || payload < 1 || payload > 60000 || wait < 1 || port < 0 || port > 65535) return usage();
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    connection_room = limit.rlim_cur < 1048576 ? limit.rlim_cur : 1048576;
    connections = calloc(connection_room, sizeof *connections);
    subscribed = calloc(connection_room, sizeof *subscribed);
    if (!connections || !subscribed) die("calloc");
    for (size_t i = 0; i < connection_room; i++) connections[i].descriptor = -1;
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(port);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event)) die("epoll_ctl");
    run(listener, rate, (size_t)payload, (size_t)wait, seconds);
    return 0;
}
