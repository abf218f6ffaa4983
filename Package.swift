// swift-tools-version: 6.2
// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], resources: [Resource]? = nil
) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(name: name + "Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: settings)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["martlet"]),
        .executable(name: "martlet-load", targets: ["martlet-load"]),
        .executable(name: "martlet-sim", targets: ["martlet-sim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0", traits: []),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", exact: "5.7.1"),
    ],
    targets: [
        // Layer 0: system libraries
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CRdKafka"),
        // Layer 1
        library("MartletCore"),
        library("MartletInstruments", ["MartletCore"]),
        // Layer 2
        library("MartletWire", ["MartletCore"]),
        library("MartletPolicy", ["MartletCore"]),
        library(
            "MartletProtocol", ["MartletCore", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["Centrifuge/Protobuf/centrifuge.proto"]),
        library("MartletReactor", ["CLinux", "MartletCore", "MartletInstruments"]),
        library(
            "MartletRedis",
            [
                "CHiredis", "MartletCore", "MartletInstruments", logging,
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        library("MartletKafka", ["CRdKafka", "MartletCore", "MartletInstruments", logging]),
        library(
            "MartletHTTP",
            [
                "MartletCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        // Layer 3
        library(
            "MartletHub", ["MartletCore", "MartletInstruments", "MartletProtocol", "MartletReactor", "MartletWire"]),
        library(
            "MartletSessions",
            [
                "MartletCore", "MartletHTTP", "MartletInstruments", "MartletPolicy", "MartletProtocol", logging,
                serviceLifecycle, crypto,
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
            ]),
        library(
            "MartletProxy",
            ["MartletCore", "MartletHTTP", "MartletInstruments", "MartletProtocol", logging, serviceLifecycle]),
        // Layer 4
        library(
            "MartletBus",
            [
                "MartletCore", "MartletHub", "MartletInstruments", "MartletProtocol", "MartletRedis", logging,
                serviceLifecycle,
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        library(
            "MartletEdge",
            [
                "MartletCore", "MartletHub", "MartletInstruments", "MartletPolicy", "MartletProtocol", "MartletProxy",
                "MartletReactor", "MartletSessions", "MartletWire",
            ]),
        library(
            "MartletControl",
            [
                "MartletCore", "MartletInstruments", "MartletProtocol", logging, serviceLifecycle,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            resources: [.embedInCode("Resources")]),
        // Layer 5
        library(
            "MartletNode",
            [
                "MartletBus", "MartletControl", "MartletCore", "MartletEdge", "MartletHTTP", "MartletHub",
                "MartletInstruments", "MartletKafka", "MartletPolicy", "MartletProtocol", "MartletProxy",
                "MartletReactor", "MartletRedis", "MartletSessions", "MartletWire", logging, serviceLifecycle,
                .product(name: "Yams", package: "Yams"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        // Layer 6: programs
        .executableTarget(
            name: "martlet",
            dependencies: [
                "MartletCore", "MartletNode", "MartletProtocol", "MartletSessions", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "martlet-load",
            dependencies: [
                "MartletCore", "MartletProtocol", "MartletReactor", "MartletWire", crypto,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "martlet-sim",
            dependencies: [
                "MartletCore", "MartletPolicy",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        // What tests need beside the node
        .executableTarget(
            name: "kafka-broker", dependencies: ["CRdKafka"], path: "Tests/Support/KafkaBroker", swiftSettings: settings
        ),
        .target(name: "AllocationCounter", path: "Tests/Support/AllocationCounter"),
        .executableTarget(
            name: "reactor-bench",
            dependencies: ["AllocationCounter", "MartletCore", "MartletInstruments", "MartletReactor"],
            path: "Tests/Support/ReactorBench", swiftSettings: settings),
        .executableTarget(
            name: "revocation-bench", dependencies: ["MartletCore", "MartletProtocol", "MartletSessions"],
            path: "Tests/Support/RevocationBench", swiftSettings: settings),
        .executableTarget(
            name: "validation-bench",
            dependencies: [
                "MartletCore", "MartletHTTP", "MartletInstruments", "MartletPolicy", "MartletSessions", logging,
                serviceLifecycle,
            ],
            path: "Tests/Support/ValidationBench", swiftSettings: settings),
        .executableTarget(
            name: "echo-server", dependencies: ["MartletCore", "MartletReactor", "MartletWire"],
            path: "Tests/Support/EchoServer", swiftSettings: settings),
        .target(
            name: "TestSupport",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Tests/Support/TestSupport", swiftSettings: settings),
        // Tests
        tests(
            "MartletBus",
            [
                "MartletCore", "MartletHub", "MartletInstruments", "MartletRedis", "TestSupport", logging,
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        tests(
            "MartletControl",
            [
                "MartletCore", "MartletInstruments", "MartletProtocol", logging, serviceLifecycle,
                .product(name: "Yams", package: "Yams"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        .testTarget(name: "TidyTests", swiftSettings: settings),
        tests("MartletCore"),
        tests(
            "MartletEdge",
            [
                "MartletBus", "MartletCore", "MartletHub", "MartletInstruments", "MartletPolicy", "MartletProtocol",
                "MartletProxy", "MartletReactor", "MartletSessions", "MartletWire", "TestSupport", crypto, logging,
            ]),
        tests("MartletHub", ["MartletBus", "MartletCore", "MartletInstruments", "MartletReactor", "MartletWire"]),
        tests("MartletInstruments"),
        tests("MartletKafka", ["MartletCore", "MartletInstruments", "kafka-broker", logging]),
        .testTarget(
            name: "MartletLoadTests", dependencies: ["martlet-load", "MartletCore", "MartletWire"],
            swiftSettings: settings),
        tests(
            "MartletNode",
            [
                "MartletBus", "MartletControl", "MartletCore", "MartletEdge", "MartletHub", "MartletInstruments",
                "MartletKafka", "MartletPolicy", "MartletProtocol", "MartletProxy", "MartletRedis", "MartletSessions",
                "TestSupport", logging, serviceLifecycle,
            ]),
        tests("MartletPolicy", ["MartletCore"]),
        tests("MartletProtocol", ["MartletCore", "TestSupport"]),
        tests("MartletProxy", ["MartletCore", "MartletInstruments", "MartletProtocol", "TestSupport", logging]),
        tests("MartletReactor", ["MartletCore", "MartletInstruments"]),
        tests(
            "MartletRedis",
            [
                "MartletCore", "TestSupport", logging,
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        tests(
            "MartletSessions",
            [
                "MartletCore", "MartletHTTP", "MartletInstruments", "MartletPolicy", "MartletProtocol", "TestSupport",
                logging, serviceLifecycle, crypto,
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
            ]),
        .testTarget(
            name: "MartletSimTests", dependencies: ["martlet-sim", "MartletPolicy"], swiftSettings: settings),
        tests("MartletWire", ["MartletCore"]),
    ]
)
