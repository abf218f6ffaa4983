// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletProtocol
import MartletSessions

/// What a node does with the records of a topic when it starts: decode, insert.
struct ReplayBench {
    private static let blockSize = 50_000

    let records: Int

    func run() {
        let bench = BenchTable(max: self.records)
        let decoder = InvalidationDecoder(source: .kafka)
        var (watch, failures, bytes) = (Stopwatch(), 0, 0)
        for start in stride(from: 0, to: self.records, by: Self.blockSize) {
            let block = (start..<min(start + Self.blockSize, self.records)).map(BenchNames.record)
            bytes += block.reduce(0) { $0 + $1.count }
            watch.time {
                for record in block {
                    switch decoder.martlet(
                        record.span, recordTime: RecordTime(BenchNames.at), receivedAt: BenchNames.at)
                    {
                    case .success(let decoded):
                        _ = bench.table.insert(decoded.invalidation, receivedAt: BenchNames.at)
                    case .failure: failures += 1
                    }
                }
            }
        }
        print("replay: \(self.records) records of \(bytes / self.records) bytes, one thread")
        print(String(format: "  decode and insert: %.2f s of CPU, %.2f s", watch.cpu, watch.wall))
        precondition(failures == 0 && bench.table.count == self.records, "the replay lost records")
    }
}
