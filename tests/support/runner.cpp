// SPDX-License-Identifier: MIT
#include <cppunit/BriefTestProgressListener.h>
#include <cppunit/CompilerOutputter.h>
#include <cppunit/TestResult.h>
#include <cppunit/TestResultCollector.h>
#include <cppunit/TestRunner.h>
#include <cppunit/extensions/TestFactoryRegistry.h>

#include <cstdio>
#include <iostream>
#include <string>

/// Runs all registered fixtures, or the one test or suite whose name is given, and ends with `N passed, N failed`.
int main(int argc, char** argv)
{
    CPPUNIT_NS::TestResult controller;
    CPPUNIT_NS::TestResultCollector collector;
    CPPUNIT_NS::BriefTestProgressListener progress;
    controller.addListener(&collector);
    controller.addListener(&progress);
    CPPUNIT_NS::TestRunner runner;
    runner.addTest(CPPUNIT_NS::TestFactoryRegistry::getRegistry().makeTest());
    runner.run(controller, argc > 1 ? argv[1] : "");
    CPPUNIT_NS::CompilerOutputter outputter(&collector, std::cerr);
    outputter.write();
    const int failed = collector.testFailuresTotal();
    const int passed = collector.runTests() - failed;
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
