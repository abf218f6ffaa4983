// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// The run's side of a worker: a process of this same program.
final class WorkerProcess: Sendable {
    private struct State {
        var news = WorkerNews()
        var closures: [Closure] = []
        var hasEnded = false
    }

    private let process = Process()
    private let input = Pipe()
    private let state = Mutex(State())
    let clients: Int

    init(plan: ClientPlan, threads: Int) throws {
        self.clients = plan.count
        let output = Pipe()
        self.process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        self.process.arguments = ["worker"]
        self.process.standardInput = self.input
        self.process.standardOutput = output
        try self.process.run()
        let reader = output.fileHandleForReading
        Thread.detachNewThread { self.read(reader) }
        self.tell(WorkerOrder(plan: plan, threads: threads))
    }

    var news: WorkerNews { self.state.withLock { $0.news } }
    var hasEnded: Bool { self.state.withLock { $0.hasEnded } }

    /// Those that came since the last call.
    func takeClosures() -> [Closure] {
        self.state.withLock { state in
            defer { state.closures = [] }
            return state.closures
        }
    }

    func tell(_ order: WorkerOrder) {
        guard let line = try? JSONEncoder().encode(order) else { return }
        try? self.input.fileHandleForWriting.write(contentsOf: line + Data("\n".utf8))
    }

    /// Lets go of a worker, which then ends by itself.
    func abandon() { try? self.input.fileHandleForWriting.close() }

    private func read(_ handle: FileHandle) {
        var rest = Data()
        while true {
            let part = handle.availableData
            if part.isEmpty { break }
            rest.append(part)
            while let end = rest.firstIndex(of: 0x0A) {
                let line = rest[rest.startIndex..<end]
                if let news = try? JSONDecoder().decode(WorkerNews.self, from: line) {
                    self.state.withLock { state in
                        state.news = news
                        state.closures += news.closures
                    }
                }
                rest = Data(rest[rest.index(after: end)...])
            }
        }
        self.state.withLock { $0.hasEnded = true }
    }
}
