// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// What Swift's Glibc module leaves out: epoll and eventfd, and what the headers show only with _GNU_SOURCE.

#ifndef MARTLET_CLINUX_H
#define MARTLET_CLINUX_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// accept4(2): `address` is a struct sockaddr or null. By another name, so that it clashes with no other declaration;
// <sys/socket.h> itself belongs to the Glibc module.
extern int martlet_accept4(int descriptor, void *address, uint32_t *length, int flags) __asm__("accept4");

// pthread_setname_np(3): a pthread_t is an unsigned long.
extern int martlet_thread_name(unsigned long thread, const char *name) __asm__("pthread_setname_np");

// EPOLLET is 1 << 31, which as an enumerator's type is not the type of the events.
static const uint32_t martlet_edge_triggered = 1u << 31;

#endif
