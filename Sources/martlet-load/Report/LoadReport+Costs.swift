// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the samples of the server say about a connect, a delivery and a connection at rest.
extension LoadReport {
    mutating func computeCosts() {
        if let start = self.samples.first(where: { $0.name == "start" }),
            let open = self.samples.first(where: { $0.name == "open" && $0.open > start.open })
        {
            self.cpuMicrosecondsPerConnect = (open.cpu - start.cpu) * 1e6 / Double(open.open - start.open)
        }
        let levels = self.samples.filter { $0.name == "open" }
        if let first = levels.first, let last = levels.last, last.open > first.open {
            let clients = Double(last.open - first.open)
            self.pssBytesPerClient = Double(last.pssKilobytes - first.pssKilobytes) * 1_024 / clients
            self.anonymousBytesPerClient =
                Double(last.anonymousKilobytes - first.anonymousKilobytes) * 1_024 / clients
        }
        if let begin = levels.last, let end = self.samples.first(where: { $0.name == "end" }),
            end.messages > begin.messages
        {
            let deliveries = Double(end.messages - begin.messages)
            self.cpuMicrosecondsPerDelivery = (end.cpu - begin.cpu) * 1e6 / deliveries
            self.userMicrosecondsPerDelivery = (end.user - begin.user) * 1e6 / deliveries
        }
    }
}
