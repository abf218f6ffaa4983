// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletRedis
import Testing

struct RedisURLTests {
    @Test func readsWhatItSays() throws {
        #expect(try RedisURL("redis://localhost") == RedisURL(address: .tcp(host: "localhost", port: 6379)))
        #expect(try RedisURL("redis://10.0.0.1:6380/") == RedisURL(address: .tcp(host: "10.0.0.1", port: 6380)))
        #expect(
            try RedisURL("redis://me:p%40ss:w%2Ford@[::1]:7000/3")
                == RedisURL(address: .tcp(host: "::1", port: 7000), user: "me", password: "p@ss:w/ord", database: 3))
        #expect(
            try RedisURL("REDIS://:secret@h/0") == RedisURL(address: .tcp(host: "h", port: 6379), password: "secret"))
        #expect(
            try RedisURL("unix://:secret@/run/redis.sock?db=2")
                == RedisURL(address: .unix(path: "/run/redis.sock"), password: "secret", database: 2))
    }

    @Test(arguments: [
        ("localhost:6379", RedisURLError.scheme), ("rediss://h", .scheme), ("://h", .scheme), ("redis://", .host),
        ("redis://:x@", .host), ("redis://h:0", .port), ("redis://h:65536", .port), ("redis://h:x", .port),
        ("redis://h:", .port), ("redis://a:b:c", .host), ("redis://[::1", .host), ("redis://[::1]x", .host),
        ("redis://secret@h", .credentials), ("redis://u:%zz@h", .credentials), ("redis://u:%2@h", .credentials),
        ("redis://u:%FF@h", .credentials), ("redis://h/x", .database), ("redis://h/-1", .database),
        ("unix://relative", .path), ("unix:///p?x=1", .database),
    ])
    func refusesWhatItCannotRead(_ text: String, _ error: RedisURLError) {
        #expect(throws: error) { try RedisURL(text) }
    }

    @Test func hidesThePassword() throws {
        #expect(try RedisURL("redis://u:secret@h:1/2").description == "h:1")
        #expect(try RedisURL("redis://[::1]:1").description == "[::1]:1")
    }
}
