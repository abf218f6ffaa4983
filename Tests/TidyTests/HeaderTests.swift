// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Headers")
struct HeaderTests {
    @Test("Every file says what it is part of, and under which licence")
    func headers() {
        let header = [
            "// This source file is part of the Martlet project.", "// SPDX-License-Identifier: Apache-2.0",
        ]
        for file in Repository.sources + Repository.tests {
            #expect(Array(file.lines.prefix(2)) == header, "\(file)")
            #expect(file.lines.count > 2 && file.lines[2].isEmpty, "\(file): an empty line follows the header")
        }
    }
}
